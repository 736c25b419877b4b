#include "pipeline/http/bounded_decoder.h"

#include "pipeline/http/header_text.h"

#include <libdeflate.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

namespace troupe::http {
namespace {

constexpr uint64_t page = 64 << 10;
constexpr uint64_t free_of_ratio = 1 << 20;
constexpr uint64_t deflate_max_ratio = 1040;  // 1032:1 and some room for tiny inputs
constexpr uint64_t snappy_max_ratio = 22;     // a 3-byte copy gives at most 64 bytes
constexpr int max_window_log = 23;

status malformed(std::string_view coding, std::string_view why) {
  return {errc::invalid_argument, std::string(coding) + " body: " + std::string(why)};
}

/// Output that grows by pages, each charged before it is allocated.
class growing_output {
 public:
  /// `limit` is one byte above what is allowed: reaching it is the failure.
  growing_output(uint64_t limit, byte_lease& lease, uint64_t overhead)
      : limit_(limit), lease_(lease), overhead_(overhead) {}

  /// Makes room for at least one byte more. `exact` asks for a first size.
  status make_room(uint64_t exact = 0) {
    uint64_t old = data_.size();
    if (old == limit_)
      return over_limit();
    uint64_t next = std::min(limit_, exact != 0 ? exact : std::max(page, old * 2));
    // While the bytes move, both the old and the new block exist.
    TROUPE_TRY(lease_.grow(overhead_ + old + next));
    data_.resize(next);
    lease_.shrink(overhead_ + next);
    return ok_status();
  }
  status over_limit() const {
    return {errc::out_of_bounds,
            "decoded body is over the limit of " + std::to_string(limit_ - 1) + " bytes"};
  }
  char* end() { return data_.data() + used_; }
  size_t room() const { return data_.size() - used_; }
  void advance(size_t n) { used_ += n; }
  std::string take() {
    data_.resize(used_);
    lease_.shrink(data_.capacity());
    return std::move(data_);
  }

 private:
  uint64_t limit_;
  byte_lease& lease_;
  uint64_t overhead_;
  std::string data_;
  size_t used_ = 0;
};

struct job {
  std::string_view input;
  uint64_t max_output;  ///< the smaller of the limit and the ratio's bound
  uint64_t max_declared;
  byte_lease& lease;
  std::string& spare;
};

status declared_too_big(uint64_t declared, uint64_t limit) {
  return {errc::out_of_bounds, "declared length of " + std::to_string(declared) +
                                   " bytes is over the limit of " + std::to_string(limit)};
}

result<std::string> decode_gzip(const job& j) {
  if (j.input.size() < 18)
    return malformed("gzip", "truncated");
  uint32_t declared = 0;
  std::memcpy(&declared, j.input.data() + j.input.size() - 4, 4);
  if (declared > j.input.size() * deflate_max_ratio)
    return malformed("gzip", "the declared length cannot be true");
  if (declared > j.max_declared)
    return declared_too_big(declared, j.max_declared);
  TROUPE_TRY(j.lease.grow(declared));
  struct deleter {
    void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
  };
  thread_local std::unique_ptr<libdeflate_decompressor, deleter> inflater(
      libdeflate_alloc_decompressor());
  if (!inflater)
    return {errc::resource_exhausted, "no memory for a gzip decoder"};
  std::string out = std::move(j.spare);
  if (out.capacity() < declared)
    out.clear();  // nothing to move
  out.resize(declared);
  size_t consumed = 0;
  size_t produced = 0;
  auto rc = libdeflate_gzip_decompress_ex(inflater.get(), j.input.data(), j.input.size(),
                                          out.data(), out.size(), &consumed, &produced);
  if (rc == LIBDEFLATE_INSUFFICIENT_SPACE)
    return malformed("gzip", "longer than its declared length");
  if (rc != LIBDEFLATE_SUCCESS)
    return malformed("gzip", "corrupt or truncated");
  if (consumed != j.input.size())
    return malformed("gzip", "bytes after the end");
  out.resize(produced);
  return out;
}

/// zlib's wrapper as RFC 9110 wants it, or the bare deflate that some peers send.
result<std::string> decode_deflate(const job& j) {
  z_stream z{};
  bool wrapped =
      j.input.size() >= 2 && (j.input[0] & 0x0f) == 8 &&
      (static_cast<uint8_t>(j.input[0]) * 256 + static_cast<uint8_t>(j.input[1])) % 31 == 0;
  growing_output out(j.max_output, j.lease, page);
  TROUPE_TRY(out.make_room());
  if (inflateInit2(&z, wrapped ? 15 : -15) != Z_OK)
    return {errc::resource_exhausted, "no memory for a deflate decoder"};
  std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&z, inflateEnd);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(j.input.data()));
  z.avail_in = static_cast<uInt>(std::min<size_t>(j.input.size(), UINT32_MAX));
  for (;;) {
    uInt room = static_cast<uInt>(std::min<size_t>(out.room(), UINT32_MAX));
    z.next_out = reinterpret_cast<Bytef*>(out.end());
    z.avail_out = room;
    int rc = inflate(&z, Z_NO_FLUSH);
    out.advance(room - z.avail_out);
    if (rc == Z_STREAM_END)
      break;
    if (rc != Z_OK && rc != Z_BUF_ERROR)
      return malformed("deflate", "corrupt");
    if (z.avail_out != 0)
      return malformed("deflate", "truncated");
    TROUPE_TRY(out.make_room());
  }
  if (z.avail_in != 0)
    return malformed("deflate", "bytes after the end");
  return out.take();
}

struct zstd_header {
  uint64_t window = 0;
};

/// RFC 8878 §3.1.1.1, as far as the window.
result<zstd_header> read_zstd_header(std::string_view in) {
  if (in.size() < 6)
    return malformed("zstd", "truncated");
  if (std::memcmp(in.data(), "\x28\xb5\x2f\xfd", 4) != 0)
    return malformed("zstd", "no frame");
  auto descriptor = static_cast<uint8_t>(in[4]);
  if (descriptor & 0x20)
    return zstd_header{};  // single segment: the window is the content
  auto window = static_cast<uint8_t>(in[5]);
  int log = 10 + (window >> 3);
  if (log > max_window_log)
    return {errc::unsupported, "zstd body: window of 2^" + std::to_string(log) +
                                   " bytes, at most 2^" + std::to_string(max_window_log)};
  uint64_t base = 1ULL << log;
  return zstd_header{base + base / 8 * (window & 7)};
}

result<std::string> stream_zstd(ZSTD_DCtx* context, const job& j, uint64_t window) {
  growing_output out(j.max_output, j.lease, window + 4 * page);
  TROUPE_TRY(out.make_room());
  ZSTD_inBuffer in{j.input.data(), j.input.size(), 0};
  for (;;) {
    ZSTD_outBuffer to{out.end(), out.room(), 0};
    size_t rc = ZSTD_decompressStream(context, &to, &in);
    if (ZSTD_isError(rc))
      return malformed("zstd", ZSTD_getErrorName(rc));
    out.advance(to.pos);
    if (rc == 0)
      break;
    if (to.pos < to.size)
      return malformed("zstd", "truncated");
    TROUPE_TRY(out.make_room());
  }
  if (in.pos != in.size)
    return malformed("zstd", "bytes after the end");
  return out.take();
}

result<std::string> decode_zstd(const job& j) {
  TROUPE_ASSIGN(zstd_header header, read_zstd_header(j.input));
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context)
    return {errc::resource_exhausted, "no memory for a zstd decoder"};
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, max_window_log);
  unsigned long long declared = ZSTD_getFrameContentSize(j.input.data(), j.input.size());
  if (declared == ZSTD_CONTENTSIZE_ERROR)
    return malformed("zstd", "bad frame header");
  if (declared == ZSTD_CONTENTSIZE_UNKNOWN)
    return stream_zstd(context.get(), j, header.window);
  if (declared > j.max_declared)
    return declared_too_big(declared, j.max_declared);
  if (ZSTD_findFrameCompressedSize(j.input.data(), j.input.size()) != j.input.size())
    return malformed("zstd", "truncated, or bytes after the end");
  TROUPE_TRY(j.lease.grow(declared + 4 * page));
  std::string out(declared, '\0');
  size_t rc =
      ZSTD_decompressDCtx(context.get(), out.data(), out.size(), j.input.data(), j.input.size());
  if (ZSTD_isError(rc))
    return malformed("zstd", ZSTD_getErrorName(rc));
  if (rc != declared)
    return malformed("zstd", "shorter than its declared length");
  j.lease.shrink(declared);
  return out;
}

result<std::string> decode_snappy(const job& j) {
  size_t declared = 0;
  if (!snappy::GetUncompressedLength(j.input.data(), j.input.size(), &declared))
    return malformed("snappy", "no length");
  if (declared > j.max_declared)
    return declared_too_big(declared, j.max_declared);
  if (declared > j.input.size() * snappy_max_ratio)
    return malformed("snappy", "the declared length cannot be true");
  TROUPE_TRY(j.lease.grow(declared));
  std::string out(declared, '\0');
  if (!snappy::RawUncompress(j.input.data(), j.input.size(), out.data()))
    return malformed("snappy", "corrupt or truncated");
  return out;
}

}  // namespace

result<encoding> parse_encoding(std::string_view name) {
  name = trim(name);
  if (name.empty() || equal_fold(name, "identity"))
    return encoding::identity;
  if (equal_fold(name, "gzip") || equal_fold(name, "x-gzip"))
    return encoding::gzip;
  if (equal_fold(name, "deflate"))
    return encoding::deflate;
  if (equal_fold(name, "zstd"))
    return encoding::zstd;
  if (equal_fold(name, "snappy"))
    return encoding::snappy;
  return {errc::unsupported,
          "content encoding \"" + std::string(name.substr(0, 64)) + "\" is not supported"};
}

result<decoded_body> bounded_decoder::decode(encoding coding, std::string_view input,
                                             std::string spare) const {
  decoded_body out{byte_lease(budget_), {}};
  uint64_t by_ratio = std::max(free_of_ratio, input.size() * limits_.max_ratio);
  uint64_t limit = std::min(limits_.max_output, by_ratio);
  // The byte above the limit tells a body that just fits from one that does not.
  job j{input, limit + 1, limit, out.lease, spare};
  auto run = [&]() -> result<std::string> {
    switch (coding) {
      case encoding::identity:
        if (input.size() > limit)
          return declared_too_big(input.size(), limit);
        TROUPE_TRY(out.lease.grow(input.size()));
        return std::string(input);
      case encoding::gzip:
        return decode_gzip(j);
      case encoding::deflate:
        return decode_deflate(j);
      case encoding::zstd:
        return decode_zstd(j);
      case encoding::snappy:
        return decode_snappy(j);
    }
    return {errc::internal, "unknown coding"};
  };
  TROUPE_ASSIGN(out.data, run());
  if (out.data.size() > limit)
    return {errc::out_of_bounds,
            "decoded body is over the limit of " + std::to_string(limit) + " bytes"};
  return out;
}

int http_status_of(const status& decode_error) {
  switch (decode_error.code()) {
    case errc::out_of_bounds:
      return 413;
    case errc::resource_exhausted:
      return 503;
    case errc::unsupported:
      return 415;
    default:
      return 400;
  }
}

}  // namespace troupe::http
