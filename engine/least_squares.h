// Least squares by an orthonormal basis of the columns: modified Gram-Schmidt, each column twice,
// so that the basis is orthonormal to rounding (Giraud, Langou, Rozloznik and van den Eshof,
// "Rounding error analysis of the classical Gram-Schmidt orthogonalization process", 2005: twice is
// enough). Thread rule: a value; one a thread while it is being made.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace cube {

class OrthonormalColumns {
 public:
  void clear();

  // Takes a further column in. False, and not taken in, when its length without what lies along the
  // columns before is less than `least` or 0.
  bool add(std::vector<double> column, double least);

  std::size_t size() const { return columns_.size(); }
  std::span<const double> column(std::size_t j) const { return columns_[j]; }
  // Column k of what was added is the sum over j <= k of r(j, k) times column(j).
  double r(std::size_t j, std::size_t k) const { return r_[k][j]; }

  // What of `y` lies along each column, which is taken out of it: the residual is left.
  // REQUIRES: along.size() == size().
  void project(std::span<double> y, std::span<double> along) const;

 private:
  std::vector<std::vector<double>> columns_;
  std::vector<std::vector<double>> r_;
};

double dot(std::span<const double> a, std::span<const double> b);

}  // namespace cube
