// Compression of response bodies: whole ones by libdeflate, streams by zlib. One owner at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace troupe::http {

/// A complete gzip member; any thread.
std::string gzip(std::string_view raw, int level = 1);

/// A gzip member made piece by piece.
class gzip_stream {
 public:
  gzip_stream();
  ~gzip_stream();
  /// Compresses `raw` and appends what is ready to `out`; `last` ends the member.
  void write(std::string_view raw, bool last, std::string& out);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe::http
