// Where a formula of a gdalcubes graph means something else here.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cube {

// One line each. gdalcubes parses with tinyexpr, changed by its author: log is log10; its functions
// of time give struct tm's fields, so that months and days of the year count from 0 and Sunday is
// 0; powers are read from the left and bind weaker than a sign; all of + - and the operators of
// comparison, logic and bits have one precedence and are read from the left; ! and ~ are skipped.
// Comparisons are C's, so that those with a missing value are 0.
std::vector<std::string> gdalcubes_formula_notes(std::string_view formula);

// The same for a predicate of filter_pixel, where 0 and missing are one.
std::vector<std::string> gdalcubes_predicate_notes(std::string_view formula);

}  // namespace cube
