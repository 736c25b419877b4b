// The versions of remote write and how a request names its own.
#pragma once

#include <cstdint>
#include <string_view>

namespace troupe::remote {

enum class write_protocol : uint8_t { v1, v2 };

inline constexpr std::string_view write_media_type = "application/x-protobuf";
/// The protobuf message, a request's `proto` parameter.
constexpr std::string_view message_name(write_protocol p) {
  return p == write_protocol::v1 ? "prometheus.WriteRequest" : "io.prometheus.write.v2.Request";
}
/// Content-Type of a sender. Receivers that know 1.0 only may not expect a parameter.
constexpr std::string_view content_type(write_protocol p) {
  return p == write_protocol::v1 ? write_media_type
                                 : "application/x-protobuf;proto=io.prometheus.write.v2.Request";
}
/// X-Prometheus-Remote-Write-Version
constexpr std::string_view version_header(write_protocol p) {
  return p == write_protocol::v1 ? "0.1.0" : "2.0.0";
}

}  // namespace troupe::remote
