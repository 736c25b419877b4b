// HTTP/1.x messages out of bytes, piece by piece (RFC 9112). The grammar is Beast's; nothing is
// allocated per header. One owner; reused for message after message.
#pragma once

#include "pipeline/http/body_buffer.h"
#include "pipeline/http/http.h"
#include "storage/base/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::http {

struct reader_limits {
  size_t header_bytes = 32 << 10;
  size_t header_fields = 256;
  uint64_t body_bytes = 64ULL << 20;  ///< as on the wire
};

/// One response. Only the header fields that the client acts on are kept, unless all are wanted.
class response_reader {
 public:
  response_reader();
  ~response_reader();

  /// `to_head`: the request was HEAD, so no body follows. `all_headers` fills header_fields.
  void start(const reader_limits& limits, std::shared_ptr<byte_budget> budget, bool to_head,
             bool all_headers);
  /// Reads on; gives how many bytes were used. The rest must be offered again with more behind it.
  result<size_t> feed(std::string_view data);
  /// The connection has ended: ok if that ends the message.
  status feed_end();

  bool header_done() const;
  bool done() const;
  /// True once any byte was accepted as part of a message.
  bool started() const;

  int code = 0;
  bool keep_alive = false;
  std::string content_type;
  std::string content_encoding;
  std::string location;
  headers header_fields;
  body_buffer body;

 private:
  struct parser;
  std::unique_ptr<parser> parser_;
};

/// One request. feed() stops after the head, so that it can be judged before the body is read.
class request_reader {
 public:
  request_reader();
  ~request_reader();

  void start(const reader_limits& limits, std::shared_ptr<byte_budget> budget);
  /// As response_reader::feed. After a failure, `error_code` is the answer to give.
  result<size_t> feed(std::string_view data);

  bool header_done() const;
  bool done() const;

  int error_code = 400;
  std::string method;
  std::string target;
  bool keep_alive = false;
  bool http_1_0 = false;
  bool has_body = false;
  headers header_fields;
  body_buffer body;

 private:
  struct parser;
  std::unique_ptr<parser> parser_;
};

}  // namespace troupe::http
