#include "pipeline/discover/http_status.h"

#include <string_view>
#include <utility>

namespace troupe::discover {

std::string http_status(int code) {
  // RFC 9110, 15, and the others a target is likely to send.
  static constexpr std::pair<int, std::string_view> known[] = {
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {407, "Proxy Authentication Required"},
      {408, "Request Timeout"},
      {410, "Gone"},
      {413, "Request Entity Too Large"},
      {415, "Unsupported Media Type"},
      {418, "I'm a teapot"},
      {429, "Too Many Requests"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
  };
  for (const auto& [number, reason] : known)
    if (number == code)
      return std::to_string(code) + " " + std::string(reason);
  return std::to_string(code);
}

}  // namespace troupe::discover
