// protozero, whose checks end the process as it comes. Here a field of another wire type than the
// one it should have is a malformed message: a protozero::exception, as everything else that does
// not hold. Include this instead of protozero, everywhere: its functions are inline.
#pragma once

#include <protozero/exception.hpp>

namespace troupe::remote {

struct wrong_wire_type : protozero::exception {
  const char* what() const noexcept override { return "field of a wrong wire type"; }
};

}  // namespace troupe::remote

#ifdef protozero_assert
#error "protozero was included before pipeline/remote/protobuf.h"
#endif
#define protozero_assert(x) ((x) ? static_cast<void>(0) : throw troupe::remote::wrong_wire_type())

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include <string_view>

namespace troupe::remote {

inline std::string_view view(protozero::data_view d) {
  return {d.data(), d.size()};
}

}  // namespace troupe::remote
