// One libcurl transfer: everything set before it starts, its body bounded while it comes in. Used
// on the client's thread.
#pragma once

#include "pipeline/http/byte_budget.h"
#include "pipeline/http/client_settings.h"
#include "pipeline/http/http.h"
#include "pipeline/http/transfer_spec.h"

#include <cstdint>
#include <memory>

namespace troupe::http {

/// `granted` are the headers of a grant, if the request needs one. Reads credential files now.
result<transfer_spec> spec_of(const fetch_request& request, const headers& granted,
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
