#include "pipeline/http/gzip_encoder.h"

#include "storage/base/check.h"

#include <libdeflate.h>
#include <zlib.h>

namespace troupe::http {

std::string gzip(std::string_view raw, int level) {
  struct deleter {
    void operator()(libdeflate_compressor* c) const { libdeflate_free_compressor(c); }
  };
  std::unique_ptr<libdeflate_compressor, deleter> c(libdeflate_alloc_compressor(level));
  TROUPE_CHECK(c != nullptr);
  std::string out(libdeflate_gzip_compress_bound(c.get(), raw.size()), '\0');
  out.resize(libdeflate_gzip_compress(c.get(), raw.data(), raw.size(), out.data(), out.size()));
  TROUPE_CHECK(!out.empty());
  return out;
}

struct gzip_stream::impl {
  z_stream z{};
};

gzip_stream::gzip_stream() : impl_(std::make_unique<impl>()) {
  TROUPE_CHECK(deflateInit2(&impl_->z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
}

gzip_stream::~gzip_stream() {
  deflateEnd(&impl_->z);
}

void gzip_stream::write(std::string_view raw, bool last, std::string& out) {
  z_stream& z = impl_->z;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(raw.data()));
  z.avail_in = static_cast<uInt>(raw.size());
  char buffer[16 << 10];
  do {
    z.next_out = reinterpret_cast<Bytef*>(buffer);
    z.avail_out = sizeof buffer;
    TROUPE_CHECK(deflate(&z, last ? Z_FINISH : Z_NO_FLUSH) != Z_STREAM_ERROR);
    out.append(buffer, sizeof buffer - z.avail_out);
  } while (z.avail_out == 0);
}

}  // namespace troupe::http
