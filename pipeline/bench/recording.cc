#include "pipeline/bench/recording.h"

#include "pipeline/http/bounded_decoder.h"
#include "storage/base/coding.h"

#include <array>
#include <memory>

extern "C" {
// Of embedded_recording.S.
extern const char troupe_recording_begin[];
extern const char troupe_recording_end[];
}

namespace troupe::bench {
namespace {

constexpr std::string_view magic = "troupe-recording 1\n";
constexpr uint8_t raw_kind = 255;
constexpr uint8_t form_unit = 32;  // kind = form * form_unit + decimals
constexpr uint8_t forms = 3;
constexpr uint8_t max_decimals = 17;
constexpr std::array<double, max_decimals + 1> powers{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,
                                                      1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17};
constexpr std::array<double, max_decimals + 1> fractions{1e-0,  1e-1,  1e-2,  1e-3,  1e-4,  1e-5,
                                                         1e-6,  1e-7,  1e-8,  1e-9,  1e-10, 1e-11,
                                                         1e-12, 1e-13, 1e-14, 1e-15, 1e-16, 1e-17};
constexpr int64_t integer_bound = 1LL << 53;

status malformed(const std::string& what) {
  return {errc::corruption, "recording: " + what};
}

size_t series_lines(std::string_view text) {
  size_t n = 0;
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    n += text[at] != '#' && text[at] != '\n';
  return n;
}

status read_column(byte_reader& in, size_t rows, recorded_column& out) {
  const auto kind = in.u8();
  // Every row takes a byte at least: no more is reserved than the payload can fill.
  if (in.failed() || in.remaining() < rows ||
      (kind != raw_kind && (kind >= forms * form_unit || kind % form_unit > max_decimals)))
    return malformed("bad column");
  if (kind == raw_kind) {
    if (in.remaining() / sizeof(double) < rows)
      return malformed("bad column");
    out.made = recorded_column::form::raw;
    out.doubles.reserve(rows);
    for (size_t i = 0; i < rows; ++i)
      out.doubles.push_back(in.fixed<double>());
    return {};
  }
  out.made = static_cast<recorded_column::form>(kind / form_unit);
  out.decimals = kind % form_unit;
  out.integers.reserve(rows);
  uint64_t value = 0;
  for (size_t i = 0; i < rows; ++i) {
    value += static_cast<uint64_t>(in.svarint());
    const auto v = static_cast<int64_t>(value);
    if (in.failed() || v <= -integer_bound || v >= integer_bound)
      return malformed("bad value");
    out.integers.push_back(v);
  }
  return {};
}

}  // namespace

double recorded_column::value_of(int64_t integer) const {
  const auto i = static_cast<double>(integer);
  if (made == form::product)
    return i * fractions[decimals];
  if (made == form::steps)
    return i / powers[decimals / 2] / powers[decimals / 2];
  return i / powers[decimals];
}

result<recording> decode_recording(std::string_view payload) {
  if (!payload.starts_with(magic))
    return malformed("unknown format or version");
  byte_reader in(payload.substr(magic.size()));
  recording out;
  out.rows = in.u32();
  const auto series = in.u32();
  out.interval_ms = in.u32();
  out.text = in.take(in.u32());
  if (in.failed() || out.rows < 2 || out.interval_ms == 0 || !out.text.ends_with('\n'))
    return malformed("bad header");
  if (series == 0 || series_lines(out.text) != series)
    return malformed("text and columns do not match");
  out.columns.resize(series);
  for (auto& c : out.columns)
    TROUPE_TRY(read_column(in, out.rows, c));
  if (!in.at_end())
    return malformed("bytes after the last column");
  return out;
}

result<recording> decompress_recording(std::string_view file) {
  constexpr uint64_t limit = 256ULL << 20;
  const http::bounded_decoder decoder(std::make_shared<http::byte_budget>(limit),
                                      {limit, /*max_ratio=*/10'000});
  auto payload = decoder.decode(http::encoding::zstd, file);
  if (!payload.ok())
    return payload.error().with_context("recording");
  return decode_recording(payload->data);
}

std::string_view embedded_recording() {
  return {troupe_recording_begin,
          static_cast<size_t>(troupe_recording_end - troupe_recording_begin)};
}

}  // namespace troupe::bench
