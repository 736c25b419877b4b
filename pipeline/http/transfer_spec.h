// One request of libcurl's client, as plain data.
#pragma once

#include "config/http_client_config.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::http {

struct transfer_spec {
  std::string url;
  std::string method = "GET";
  std::vector<std::string> header_lines;  ///< "Name: value"; sent to the first origin only
  std::vector<std::string> open_lines;    ///< sent to wherever a redirect leads
  std::string body;
  int64_t timeout_ms = 10'000;
  uint64_t max_body_bytes = 64ULL << 20;
  bool follow_redirects = true;
  bool want_headers = false;
  /// New connections take the addresses of the host's name in any order.
  bool shuffle_addresses = false;
  config::tls_config tls;
  config::proxy_config proxy;
};

void put_line(std::vector<std::string>& lines, std::string_view name, std::string_view value);
/// Splits header text into lines.
void put_lines(std::vector<std::string>& lines, std::string_view text);

}  // namespace troupe::http
