// What all doors for samples have in common: bodies within the byte budget, counters, and the
// answer from what became of the batches.
#pragma once

#include "pipeline/api/api.h"
#include "pipeline/api/door_counters.h"
#include "pipeline/http/bounded_decoder.h"
#include "pipeline/remote/write_codec.h"

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

namespace troupe::api {

/// What was stored of a request.
struct write_result {
  storage::append_report stored;
  status error;  ///< of a batch that was not stored as a whole
  /// Which parts were refused, without those of `error`.
  const remote::decoded_write& rest;
};

class write_door {
 public:
  /// `path` is the route; `counters` outlive the door, null: count() is not called.
  write_door(const services& s, const door_counters* counters, std::string_view path)
      : services_(s), counters_(counters), path_(path) {}

  http::response plain(int code, std::string body) const;
  /// 503 with Retry-After.
  http::response later(std::string body) const;
  /// By the kind of the error.
  http::response failed(const status& error) const;

  /// Expands a body within the byte budget. Errors of it are answered by undecoded().
  result<http::decoded_body> decode(http::encoding coding, std::string_view body) const;
  http::response undecoded(const status& error) const;
  /// To a request that no samples can be read from: 413 for one that is too large, else 400.
  http::response unreadable(const status& error) const;

  /// Counts a request, and what is refused of it.
  void count(std::string_view protocol, const remote::decoded_write& w) const;
  /// Stores the batches of `w`, then answers. The body is charged until then: the batches are
  /// about as large.
  store_request store(remote::decoded_write w, http::decoded_body body,
                      std::function<http::response(const write_result&)> reply) const;

  /// Makes the counters at 0; their names begin with `prefix` ("troupe_otlp"). The protocols' names
  /// live as long as the process.
  static door_counters make_counters(registry& metrics, std::string_view prefix,
                                     std::initializer_list<std::string_view> protocols);

 private:
  const services& services_;
  const door_counters* counters_;
  std::string_view path_;
};

/// "the valid part is stored; …" with a line's end; "" if nothing was refused.
std::string refusal_text(const storage::append_report& stored, const remote::decoded_write& rest);

}  // namespace troupe::api
