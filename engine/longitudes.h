// Longitudes of a cube in degrees: the same place has others 360 degrees on, so that what is given
// from -180 to 180 is found in a cube that counts from 0 to 360, and the reverse.
// Thread rule: pure functions.
#pragma once

#include <optional>

#include "engine/grid.h"
#include "engine/shape.h"

namespace cube {

// Columns of a grid in degrees once round the earth, 360 / dx; 0 for grids in other units.
double columns_of_turn(const Grid& grid);

// Whether a grid in degrees goes all round the earth, to half a cell.
bool goes_round(const Grid& grid);

// Whether the first column of a grid in degrees follows its last: once round, and no more.
bool closes(const Grid& grid);

// By how many turns something from column `begin` to `end` (fractional, in order) is moved to lie
// within the grid: 0 where it does; nullopt where no turns bring it there, as on both sides of the
// seam of a grid that goes round. REQUIRES: finite numbers.
std::optional<double> turns_into(double begin, double end, const Grid& grid);

// A column, moved by whole turns into the grid where that is possible.
double turned_column(double column, const Grid& grid);

// The longitude of the same place within the turn that ends at `right`.
double longitude_before(double longitude, double right);

// Moves each ring of a shape in cells of the grid by as many turns as bring it there; one that lies
// across the grid's edges comes several times, each time in another place. Shapes wider than the
// earth, and all on grids in other units, stay as they are.
void turn_into(Shape& shape, const Grid& grid);

// Makes rings whose vertices were each transformed to longitudes from -180 to 180, or other ones,
// go on across the seam instead of back round the earth.
void join_at_seam(Shape& shape, const Grid& grid);

}  // namespace cube
