#include "storage/model/histogram.h"

#include "storage/base/coding.h"
#include "storage/model/sample.h"

#include <bit>
#include <cmath>

namespace troupe {
namespace {

constexpr uint8_t format_version = 1;
enum flag : uint8_t { flag_float = 1, flag_integers = 2, flag_custom = 4 };
constexpr double max_exact = 9007199254740992.0;  // 2^53

bool same_bits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size())
    return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!same_bits(a[i], b[i]))
      return false;
  return true;
}

bool is_count(double v) {
  return v >= 0 && v < max_exact && std::floor(v) == v && !std::signbit(v);
}

bool all_counts(const std::vector<double>& v) {
  for (const double d : v)
    if (!is_count(d))
      return false;
  return true;
}

void put_number(std::string& out, double v, bool integers) {
  if (integers)
    put_varint(out, static_cast<uint64_t>(v));
  else
    put_fixed(out, v);
}

double read_number(byte_reader& in, bool integers) {
  return integers ? static_cast<double>(in.varint()) : in.fixed<double>();
}

void put_side(std::string& out, const std::vector<histogram_span>& spans,
              const std::vector<double>& buckets, bool integers) {
  put_varint(out, spans.size());
  for (const auto& s : spans) {
    put_svarint(out, s.offset);
    put_varint(out, s.length);
  }
  put_varint(out, buckets.size());
  for (const double b : buckets)
    put_number(out, b, integers);
}

// Every element takes at least `min_bytes`, so that a lying count never makes us allocate.
bool plausible(byte_reader& in, uint64_t count, size_t min_bytes) {
  if (count <= in.remaining() / min_bytes)
    return true;
  in.fail();
  return false;
}

void read_side(byte_reader& in, std::vector<histogram_span>& spans, std::vector<double>& buckets,
               bool integers) {
  const uint64_t n = in.varint();
  if (!plausible(in, n, 2))
    return;
  uint64_t covered = 0;
  spans.reserve(n);
  for (uint64_t i = 0; i < n; ++i) {
    const int64_t offset = in.svarint();
    const uint64_t length = in.varint();
    if (offset < INT32_MIN || offset > INT32_MAX || length > UINT32_MAX)
      return in.fail();
    covered += length;
    spans.push_back({static_cast<int32_t>(offset), static_cast<uint32_t>(length)});
  }
  const uint64_t m = in.varint();
  if (!plausible(in, m, integers ? 1 : sizeof(double)) || m != covered)
    return in.fail();
  buckets.reserve(m);
  for (uint64_t i = 0; i < m; ++i)
    buckets.push_back(read_number(in, integers));
}

status bad(std::string why) {
  return {errc::invalid_argument, std::move(why)};
}

// `reach`: where the last bucket's index may lie.
status check_side(const std::vector<histogram_span>& spans, const std::vector<double>& buckets,
                  bool custom, int64_t reach) {
  uint64_t named = 0;
  int64_t index = 0;
  for (size_t i = 0; i < spans.size(); ++i) {
    if ((i > 0 || custom) && spans[i].offset < 0)
      return bad("span " + std::to_string(i) + " has the negative offset " +
                 std::to_string(spans[i].offset));
    named += spans[i].length;
    index += int64_t{spans[i].offset} + spans[i].length;
    if (index > reach)
      return bad(custom ? "spans reach beyond the custom bounds" : "span offset is too large");
  }
  if (named != buckets.size())
    return bad("spans need " + std::to_string(named) + " buckets, have " +
               std::to_string(buckets.size()));
  for (const double b : buckets)
    if (b < 0)
      return bad("a bucket has a negative count");
  return {};
}

status check_custom_bounds(const std::vector<double>& bounds) {
  double last = -INFINITY;
  for (const double b : bounds) {
    if (!(b > last))
      return bad("custom bounds do not ascend");
    last = b;
  }
  return last == INFINITY ? bad("the last custom bound is infinite, which goes without saying")
                          : status();
}

}  // namespace

status histogram::validate() const {
  const bool custom = schema == custom_schema;
  if (custom) {
    TROUPE_TRY(check_custom_bounds(custom_bounds));
    if (zero_count != 0 || zero_threshold != 0)
      return bad("custom buckets with a zero bucket");
    if (!negative_spans.empty() || !negative_buckets.empty())
      return bad("custom buckets with negative buckets");
  } else if (schema < -4 || schema > 8) {
    return bad("unknown schema " + std::to_string(schema));
  } else if (!custom_bounds.empty()) {
    return bad("custom bounds with the exponential schema " + std::to_string(schema));
  }
  const int64_t reach = custom ? static_cast<int64_t>(custom_bounds.size()) + 1 : INT32_MAX;
  TROUPE_TRY(check_side(positive_spans, positive_buckets, custom, reach));
  TROUPE_TRY(check_side(negative_spans, negative_buckets, custom, reach));
  if (zero_count < 0 || count < 0)
    return bad("a negative count");
  // Sums of floats are rounded, and beyond 2^53 so are those of integers.
  if (is_float || count >= max_exact)
    return {};
  double total = zero_count;
  for (const auto* side : {&positive_buckets, &negative_buckets})
    for (const double b : *side)
      total += b;
  // What is not a number is counted and in no bucket.
  if (std::isnan(sum) ? total > count : total != count)
    return bad("the count is not that of all buckets together");
  return {};
}

bool histogram::operator==(const histogram& o) const {
  return schema == o.schema && hint == o.hint && is_float == o.is_float &&
         same_bits(zero_threshold, o.zero_threshold) && same_bits(zero_count, o.zero_count) &&
         same_bits(count, o.count) && same_bits(sum, o.sum) && positive_spans == o.positive_spans &&
         negative_spans == o.negative_spans && same_bits(positive_buckets, o.positive_buckets) &&
         same_bits(negative_buckets, o.negative_buckets) &&
         same_bits(custom_bounds, o.custom_bounds);
}

bool histogram::is_stale() const {
  return troupe::is_stale(sum);
}

void histogram::encode(std::string& out) const {
  const bool integers = is_count(zero_count) && is_count(count) && all_counts(positive_buckets) &&
                        all_counts(negative_buckets);
  put_u8(out, format_version);
  put_u8(out, static_cast<uint8_t>((is_float ? flag_float : 0) | (integers ? flag_integers : 0) |
                                   (custom_bounds.empty() ? 0 : flag_custom)));
  put_u8(out, static_cast<uint8_t>(hint));
  put_svarint(out, schema);
  put_fixed(out, zero_threshold);
  put_number(out, zero_count, integers);
  put_number(out, count, integers);
  put_fixed(out, sum);
  put_side(out, positive_spans, positive_buckets, integers);
  put_side(out, negative_spans, negative_buckets, integers);
  if (!custom_bounds.empty()) {
    put_varint(out, custom_bounds.size());
    for (const double b : custom_bounds)
      put_fixed(out, b);
  }
}

result<histogram> histogram::decode(std::string_view bytes) {
  byte_reader in(bytes);
  histogram h;
  const uint8_t version = in.u8(), flags = in.u8(), hint = in.u8();
  if (in.failed() || version != format_version ||
      hint > static_cast<uint8_t>(counter_reset_hint::gauge))
    return {errc::corruption, "histogram: unknown version or hint"};
  const bool integers = flags & flag_integers;
  h.is_float = flags & flag_float;
  h.hint = static_cast<counter_reset_hint>(hint);
  const int64_t schema = in.svarint();
  if (schema < INT32_MIN || schema > INT32_MAX)
    return {errc::corruption, "histogram: bad schema"};
  h.schema = static_cast<int32_t>(schema);
  h.zero_threshold = in.fixed<double>();
  h.zero_count = read_number(in, integers);
  h.count = read_number(in, integers);
  h.sum = in.fixed<double>();
  read_side(in, h.positive_spans, h.positive_buckets, integers);
  read_side(in, h.negative_spans, h.negative_buckets, integers);
  if (flags & flag_custom) {
    const uint64_t n = in.varint();
    if (plausible(in, n, sizeof(double)))
      for (uint64_t i = 0; i < n; ++i)
        h.custom_bounds.push_back(in.fixed<double>());
  }
  if (in.failed() || !in.at_end())
    return {errc::corruption, "histogram: damaged bytes"};
  return h;
}

}  // namespace troupe
