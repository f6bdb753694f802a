#include "engine/least_squares.h"

#include <cmath>
#include <utility>

namespace cube {

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void OrthonormalColumns::clear() {
  columns_.clear();
  r_.clear();
}

bool OrthonormalColumns::add(std::vector<double> column, double least) {
  std::vector<double> along(size());
  std::vector<double> again(size());
  project(column, along);
  project(column, again);
  const double length = std::sqrt(dot(column, column));
  if (!(length >= least) || length == 0) return false;
  for (double& value : column) value /= length;
  for (std::size_t j = 0; j < along.size(); ++j) along[j] += again[j];
  along.push_back(length);
  columns_.push_back(std::move(column));
  r_.push_back(std::move(along));
  return true;
}

void OrthonormalColumns::project(std::span<double> y, std::span<double> along) const {
  for (std::size_t j = 0; j < size(); ++j) {
    const std::vector<double>& q = columns_[j];
    along[j] = dot(q, y);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] -= along[j] * q[i];
  }
}

}  // namespace cube
