#include "pipeline/template/environment.h"

namespace troupe::templates {

status budget::step() {
  if (++steps_ <= limits_.steps)
    return ok_status();
  return {errc::resource_exhausted,
          "template takes more than " + std::to_string(limits_.steps) + " steps"};
}

status budget::charge(size_t bytes) {
  if (bytes <= bytes_left_) {
    bytes_left_ -= bytes;
    return ok_status();
  }
  bytes_left_ = 0;
  return {errc::resource_exhausted, "functions of the template work on more than " +
                                        std::to_string(limits_.work_bytes) + " bytes"};
}

}  // namespace troupe::templates
