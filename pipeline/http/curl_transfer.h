// One libcurl transfer: everything set before it starts, its body bounded while it comes in. Used
// on the client's thread.
#pragma once

#include "config/http_client_config.h"
#include "pipeline/http/byte_budget.h"
#include "pipeline/http/client_settings.h"
#include "pipeline/http/http.h"

#include <cstdint>
#include <memory>
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
  config::tls_config tls;
  config::proxy_config proxy;
};

void put_line(std::vector<std::string>& lines, std::string_view name, std::string_view value);
/// Splits header text into lines.
void put_lines(std::vector<std::string>& lines, std::string_view text);
/// `token` "" = none; else sent as Bearer.
/// Reads credential files now.
result<transfer_spec> spec_of(const fetch_request& request, const std::string& token,
                              int64_t timeout_ms);

class curl_transfer {
 public:
  /// `settings` gives credentials, files and must live as long as the call.
  static result<std::unique_ptr<curl_transfer>> make(transfer_spec spec,
                                                     const client_settings& settings,
                                                     std::shared_ptr<byte_budget> budget);
  ~curl_transfer();

  void* handle() const;
  /// After libcurl has ended it with `code`: true if it was redirected and is ready to be run again
  /// with `left_ms` to go.
  bool follow(int code, int64_t left_ms);
  /// Otherwise: what came of it.
  fetch_result finish(int code);

 private:
  struct impl;
  explicit curl_transfer(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe::http
