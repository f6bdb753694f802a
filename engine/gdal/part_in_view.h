// The centre of the part of an image that lies in a view: where the scale from one to the other is
// taken, so that it depends on the two alone.
// Thread rule: a pure function.
#pragma once

#include <functional>
#include <vector>

#include "engine/shape.h"

namespace cube {

// An image and a view, each in its own cells: 0 at the outer edge of the first, x = column, y =
// row.
struct ImageAndView {
  double width = 0, height = 0;  // of the image
  double round = 0;              // its columns once round the world; 0 = it does not go round
  double view_width = 0, view_height = 0;

  // Places from one to the other, NaN where there is none; those in an image that goes round lie in
  // it.
  using Map = std::function<std::vector<Vertex>(const std::vector<Vertex>&)>;
  Map to_view, to_image;
};

// In cells of the image; its own centre where all of it lies in the view, or no part that is found.
Vertex centre_of_part(const ImageAndView& both);

}  // namespace cube
