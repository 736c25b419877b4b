// Turns a response into bytes on the wire: status line and headers, gzip, chunks. Yields piece
// after piece, so that a slow reader never makes the rest of a body wait in memory. One owner.
#pragma once

#include "pipeline/http/gzip_encoder.h"
#include "pipeline/http/http.h"

#include <memory>
#include <string>
#include <string_view>

namespace troupe::http {

/// What the request and the server's settings say about the answer.
struct response_frame {
  bool head_only = false;
  bool http_1_0 = false;
  bool keep_alive = true;
  bool gzip_accepted = false;
  int64_t now_ms = 0;
  /// Added unless the response has a header of the same name; earlier ones win.
  headers extra;
};

class response_writer {
 public:
  /// Begins an answer; keep_alive() may turn false when its end is only marked by closing.
  void start(response&& r, const response_frame& frame);
  /// The next bytes, replacing `out`; false when nothing is left. May be empty and true.
  bool next(std::string& out);
  bool keep_alive() const { return keep_alive_; }

 private:
  bool next_raw(std::string& out);
  void put_head(const response_frame& frame, bool gzipped, bool has_length, size_t length);

  response response_;
  std::string head_;
  std::unique_ptr<gzip_stream> gzip_;
  size_t body_at_ = 0;
  bool keep_alive_ = true;
  bool chunked_ = false;
  bool stream_open_ = false;
  bool ended_ = true;
};

/// "Not Found"; "" for codes that HTTP does not define.
std::string_view reason_phrase(int status);
/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(int64_t now_ms);

}  // namespace troupe::http
