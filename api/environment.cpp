#include <utility>

#include "api/cube_state.h"
#include "api/file_resources.h"
#include "cube/cube.h"

namespace cube {

std::string library_version() { return CUBE_VERSION; }

Environment::Environment(const Settings& settings)
    : Environment(settings, document_operators(), {}) {}

Environment::Environment(const Settings& settings, Registry operators, Resources resources) {
  auto state = std::make_shared<State>();
  state->settings = settings;
  state->host = host_limits();
  state->operators = std::move(operators);
  state->resources = std::move(resources);
  state->resources.allow_exec = settings.allow_exec;
  state_ = std::move(state);
}

const Settings& Environment::settings() const { return state_->settings; }
const Registry& Environment::operators() const { return state_->operators; }

Cube Environment::open(const Document& document, const Parameters& parameters) const {
  return Cube(std::make_shared<Cube::State>(state_, document.with_parameters(parameters)));
}

Cube Environment::open(const std::string& file, const Parameters& parameters) const {
  return open(Document::load(file), parameters);
}

}  // namespace cube
