#include "pipeline/template/address.h"

#include <arpa/inet.h>

#include <algorithm>

namespace troupe::templates {
namespace {

struct host_port {
  std::string host, port;
};

// net.SplitHostPort; false where that gives an error.
bool split_host_port(std::string_view address, host_port& out) {
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos)
    return false;
  size_t from_open = 0, from_close = 0;
  if (address.starts_with('[')) {
    const auto close = address.find(']');
    if (close == std::string_view::npos || close + 1 != colon)
      return false;
    out.host = address.substr(1, close - 1);
    from_open = 1;
    from_close = close + 1;
  } else {
    out.host = address.substr(0, colon);
    if (out.host.find(':') != std::string::npos)
      return false;
  }
  if (address.find('[', from_open) != std::string_view::npos ||
      address.find(']', from_close) != std::string_view::npos)
    return false;
  out.port = address.substr(colon + 1);
  return true;
}

// net.ParseIP.
bool is_ip_address(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

}  // namespace

std::string without_port(std::string_view address) {
  host_port parts;
  return split_host_port(address, parts) ? parts.host : std::string(address);
}

std::string without_domain(std::string_view address) {
  host_port parts;
  if (!split_host_port(address, parts))
    parts = {std::string(address), ""};
  if (is_ip_address(parts.host))
    return std::string(address);
  auto name = parts.host.substr(0, parts.host.find('.'));
  if (parts.port.empty())
    return name;
  if (name.find(':') != std::string::npos)
    name = "[" + name + "]";
  return name + ":" + parts.port;
}

}  // namespace troupe::templates
