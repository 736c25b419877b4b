#include "storage/wal/section.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace troupe::storage {
namespace {

// Timestamps are differences modulo 2^64, so that no pair of them overflows.
int64_t difference(timestamp_ms a, timestamp_ms b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
timestamp_ms plus(timestamp_ms base, int64_t delta) {
  return static_cast<int64_t>(static_cast<uint64_t>(base) + static_cast<uint64_t>(delta));
}

timestamp_ms minus(timestamp_ms base, int64_t delta) {
  return static_cast<int64_t>(static_cast<uint64_t>(base) - static_cast<uint64_t>(delta));
}

enum index_form : uint8_t { all_form = 0, bitmap_form = 1, list_form = 2 };
constexpr uint8_t one_timestamp = 1;
constexpr uint8_t has_stale = 2;
constexpr uint8_t has_decimals = 4;
// The high nibble of a control byte: above it stands the form of a decimal step.
constexpr unsigned max_zero_bytes = 7;
// References are 32-bit; this leaves room for sums.
constexpr uint64_t max_index = std::numeric_limits<uint32_t>::max() / 2;

void put_labels(const labels& l, std::string& out) {
  put_varint(out, l.blob_size());
  l.append_blob(out);
}

class bit_sink {
 public:
  bit_sink(std::string& out, size_t bits) : out_(out), start_(out.size()) {
    out.resize(start_ + (bits + 7) / 8, '\0');
  }
  void set(size_t i) { out_[start_ + i / 8] |= static_cast<char>(1u << (i % 8)); }

 private:
  std::string& out_;
  size_t start_;
};

bool bit_of(std::string_view bits, size_t i) {
  return (static_cast<uint8_t>(bits[i / 8]) >> (i % 8)) & 1;
}

/// Entries are stored back to back; `read_one` is called until the part is used up.
template <class F>
bool read_all(std::string_view part, F read_one) {
  byte_reader in(part);
  while (!in.at_end())
    if (!read_one(in) || in.failed())
      return false;
  return !in.failed();
}

bool read_index(byte_reader& in, uint32_t& out) {
  uint64_t v = in.varint();
  out = static_cast<uint32_t>(v);
  return !in.failed() && v <= max_index;
}

/// XORs, or with `decimals` steps where forms[i] is not 0.
template <bool decimals>
void put_values(std::span<const uint64_t> xors, std::span<const uint8_t> forms, std::string& out) {
  const size_t n = xors.size(), bitmap_at = out.size(), control_at = bitmap_at + (n + 7) / 8;
  // Room for the worst case; the bytes close up to the controls afterwards.
  const size_t data_at = control_at + n;
  out.resize(data_at + 8 * n);
  char* control = out.data() + control_at;
  char* data = out.data() + data_at;
  for (size_t i = 0; i < n; i += 64) {
    const size_t count = std::min(n - i, size_t{64});
    uint64_t word = 0;
    for (size_t k = 0; k < count; ++k)
      word |= uint64_t{xors[i + k] != 0} << k;
    std::memcpy(out.data() + bitmap_at + i / 8, &word, (count + 7) / 8);
    // Over the set bits: which values change cannot be foretold, a branch for each would be dear.
    for (; word != 0; word &= word - 1) {
      const size_t at = i + static_cast<size_t>(std::countr_zero(word));
      uint64_t x = xors[at];
      const unsigned form = decimals ? forms[at] : 0;
      const unsigned zeros = form != 0 ? 0 : static_cast<unsigned>(std::countr_zero(x)) / 8;
      const unsigned bytes = 8 - static_cast<unsigned>(std::countl_zero(x)) / 8 - zeros;
      const unsigned high = form != 0 ? max_zero_bytes + form : zeros;
      *control++ = static_cast<char>(high << 4 | bytes);
      x >>= 8 * zeros;
      std::memcpy(data, &x, 8);
      data += bytes;
    }
  }
  const auto bytes = static_cast<size_t>(data - (out.data() + data_at));
  std::memmove(control, out.data() + data_at, bytes);
  out.resize(static_cast<size_t>(control - out.data()) + bytes);
}

/// Without `forms` a decimal step is malformed.
bool read_values(byte_reader& in, size_t n, std::vector<uint64_t>& out,
                 std::vector<uint8_t>* forms) {
  out.clear();
  auto bitmap = in.take((n + 7) / 8);
  if (in.failed())
    return false;
  size_t changed = 0;
  for (char c : bitmap)
    changed += static_cast<size_t>(std::popcount(static_cast<uint8_t>(c)));
  auto controls = in.take(changed);
  if (in.failed())
    return false;
  out.resize(n);
  if (forms != nullptr)
    forms->assign(n, 0);
  size_t next = 0;
  for (size_t i = 0; i < n; ++i) {
    if (!bit_of(bitmap, i))
      continue;
    if (next == changed)
      return false;
    auto control = static_cast<uint8_t>(controls[next++]);
    unsigned zeros = control >> 4;
    const unsigned bytes = control & 15;
    if (zeros > max_zero_bytes && forms != nullptr) {
      (*forms)[i] = static_cast<uint8_t>(zeros - max_zero_bytes);
      zeros = 0;
    }
    if (bytes == 0 || zeros + bytes > 8)
      return false;
    auto raw = in.take(bytes);
    if (in.failed())
      return false;
    uint64_t x = 0;
    std::memcpy(&x, raw.data(), bytes);
    out[i] = x << (8 * zeros);
  }
  return next == changed;
}

}  // namespace

void put_section_head(const section& s, std::string& out) {
  put_u8(out, static_cast<uint8_t>((s.has_group ? section_has_group : 0) |
                                   (s.key ? section_is_key : 0) | (s.closes ? section_closes : 0)));
  if (s.has_group) {
    put_varint(out, s.group_number);
    put_varint(out, s.number);
  }
}

void put_part(part_kind kind, std::string_view content, std::string& out) {
  put_u8(out, static_cast<uint8_t>(kind));
  put_bytes(out, content);
}

bool read_section(std::string_view bytes, section& out) {
  out = {};
  byte_reader in(bytes);
  uint8_t flags = in.u8();
  out.has_group = flags & section_has_group;
  out.key = flags & section_is_key;
  out.closes = flags & section_closes;
  if (out.has_group) {
    out.group_number = in.varint();
    out.number = in.varint();
  }
  uint32_t seen = 0;
  while (!in.failed() && !in.at_end()) {
    uint8_t kind = in.u8();
    auto content = in.bytes();
    if (kind >= part_kinds || in.failed())
      continue;
    if (seen & (1u << kind))
      return false;
    seen |= 1u << kind;
    out.parts[kind] = content;
  }
  return !in.failed() && (out.has_group || !(out.key || out.closes));
}

void put_index_set(std::span<const uint32_t> indices, std::string& out) {
  size_t n = indices.size();
  put_varint(out, n);
  bool ascending = true;
  for (size_t i = 1; i < n && ascending; ++i)
    ascending = indices[i] > indices[i - 1];
  if (ascending && (n == 0 || indices[n - 1] == n - 1)) {
    put_u8(out, all_form);
    return;
  }
  size_t bits = ascending ? indices[n - 1] + 1 : 0;
  if (ascending && (bits + 7) / 8 <= n) {
    put_u8(out, bitmap_form);
    put_varint(out, bits);
    bit_sink sink(out, bits);
    for (uint32_t i : indices)
      sink.set(i);
    return;
  }
  put_u8(out, list_form);
  int64_t previous = 0;
  for (uint32_t i : indices) {
    put_svarint(out, static_cast<int64_t>(i) - previous);
    previous = i;
  }
}

bool read_index_set(byte_reader& in, std::vector<uint32_t>& out) {
  out.clear();
  uint64_t n = in.varint();
  uint8_t form = in.u8();
  // Every member has at least one bit behind it, in the set itself or in the column that follows.
  if (in.failed() || n > max_index || n / 8 > in.remaining())
    return false;
  switch (form) {
    case all_form:
      out.resize(n);
      for (uint32_t i = 0; i < n; ++i)
        out[i] = i;
      return true;
    case bitmap_form: {
      uint64_t bits = in.varint();
      if (bits > max_index)
        return false;
      auto bitmap = in.take((bits + 7) / 8);
      if (in.failed())
        return false;
      out.reserve(n);
      for (uint32_t i = 0; i < bits; ++i)
        if (bit_of(bitmap, i))
          out.push_back(i);
      return out.size() == n;
    }
    case list_form: {
      if (n > in.remaining())
        return false;
      out.reserve(n);
      int64_t at = 0;
      for (uint64_t i = 0; i < n; ++i) {
        int64_t delta = in.svarint();
        if (delta > static_cast<int64_t>(max_index) || delta < -static_cast<int64_t>(max_index))
          return false;
        at += delta;
        if (at < 0 || at > static_cast<int64_t>(max_index))
          return false;
        out.push_back(static_cast<uint32_t>(at));
      }
      return !in.failed();
    }
    default:
      return false;
  }
}

void put_value_column(std::span<const uint64_t> xors, std::string& out) {
  put_values<false>(xors, {}, out);
}

bool read_value_column(byte_reader& in, size_t n, std::vector<uint64_t>& out) {
  return read_values(in, n, out, nullptr);
}

void float_columns::clear() {
  index.clear();
  ts.clear();
  stale.clear();
  xors.clear();
  forms.clear();
}

void put_floats(const float_columns& c, timestamp_ms frame_ts, std::string& out) {
  size_t n = c.size();
  bool one = std::all_of(c.ts.begin(), c.ts.end(), [&](timestamp_ms t) { return t == c.ts[0]; });
  const auto is_set = [](uint8_t s) { return s != 0; };
  const bool stale = std::any_of(c.stale.begin(), c.stale.end(), is_set);
  const bool decimals = std::any_of(c.forms.begin(), c.forms.end(), is_set);
  put_u8(out, static_cast<uint8_t>((one ? one_timestamp : 0) | (stale ? has_stale : 0) |
                                   (decimals ? has_decimals : 0)));
  put_index_set(c.index, out);
  timestamp_ms previous = frame_ts;
  for (size_t i = 0; i < (one ? std::min<size_t>(n, 1) : n); ++i) {
    put_svarint(out, difference(c.ts[i], previous));
    previous = c.ts[i];
  }
  const auto put = [&](std::span<const uint64_t> xors, std::span<const uint8_t> forms) {
    if (decimals)
      put_values<true>(xors, forms, out);
    else
      put_values<false>(xors, forms, out);
  };
  if (!stale)
    return put(c.xors, c.forms);
  std::vector<uint64_t> fresh;
  std::vector<uint8_t> fresh_forms;
  fresh.reserve(n);
  bit_sink bits(out, n);
  for (size_t i = 0; i < n; ++i) {
    if (c.stale[i]) {
      bits.set(i);
      continue;
    }
    fresh.push_back(c.xors[i]);
    if (decimals)
      fresh_forms.push_back(c.forms[i]);
  }
  put(fresh, fresh_forms);
}

bool read_floats(std::string_view part, timestamp_ms frame_ts, float_columns& out) {
  out.clear();
  byte_reader in(part);
  uint8_t flags = in.u8();
  if (!read_index_set(in, out.index))
    return false;
  size_t n = out.index.size();
  bool one = flags & one_timestamp;
  if (!one && n > in.remaining())
    return false;
  out.ts.resize(n);
  timestamp_ms previous = frame_ts;
  for (size_t i = 0; i < n; ++i) {
    if (i == 0 || !one)
      previous = plus(previous, in.svarint());
    out.ts[i] = previous;
  }
  out.stale.assign(n, 0);
  const bool decimals = flags & has_decimals;
  if (!(flags & has_stale))
    return !in.failed() && read_values(in, n, out.xors, decimals ? &out.forms : nullptr) &&
           in.at_end();
  auto bitmap = in.take((n + 7) / 8);
  if (in.failed())
    return false;
  size_t fresh = 0;
  for (size_t i = 0; i < n; ++i) {
    out.stale[i] = bit_of(bitmap, i);
    fresh += !out.stale[i];
  }
  std::vector<uint64_t> xors;
  std::vector<uint8_t> forms;
  if (!read_values(in, fresh, xors, decimals ? &forms : nullptr) || !in.at_end())
    return false;
  out.xors.assign(n, 0);
  if (decimals)
    out.forms.assign(n, 0);
  for (size_t i = 0, next = 0; i < n; ++i) {
    if (out.stale[i])
      continue;
    if (decimals)
      out.forms[i] = forms[next];
    out.xors[i] = xors[next++];
  }
  return true;
}

void put_key(const key_columns& c, std::string& out) {
  put_index_set(c.index, out);
  put_value_column(c.values, out);
}

bool read_key(std::string_view part, key_columns& out) {
  byte_reader in(part);
  return read_index_set(in, out.index) && read_value_column(in, out.index.size(), out.values) &&
         in.at_end();
}

void put_dictionary(uint64_t group, uint64_t first, std::span<const labels> series,
                    std::string& out) {
  put_u64(out, group);
  put_varint(out, first);
  put_varint(out, series.size());
  for (const labels& l : series)
    put_labels(l, out);
}

bool read_dictionary(std::string_view part, dictionary_part& out) {
  out.series.clear();
  byte_reader in(part);
  out.group = in.u64();
  out.first = in.varint();
  uint64_t n = in.varint();
  if (in.failed() || n > in.remaining() || out.first > max_index || out.first + n > max_index)
    return false;
  out.series.resize(n);
  for (auto& l : out.series) {
    auto blob = in.bytes();
    if (in.failed() || (!blob.empty() && !labels::from_blob(blob, l)))
      return false;
  }
  return in.at_end();
}

void put_starts(std::span<const start_entry> starts, std::span<const timestamp_ms> ts,
                std::string& out) {
  uint32_t previous = 0;
  for (const auto& s : starts) {
    put_varint(out, s.index - previous);
    put_svarint(out, difference(ts[s.index], s.start_ts));
    previous = s.index;
  }
}

bool read_starts(std::string_view part, std::span<const timestamp_ms> ts,
                 std::vector<start_entry>& out) {
  out.clear();
  uint64_t at = 0;
  return read_all(part, [&](byte_reader& in) {
    at += in.varint();
    int64_t delta = in.svarint();
    if (in.failed() || at >= ts.size())
      return false;
    out.push_back({static_cast<uint32_t>(at), minus(ts[at], delta)});
    return true;
  });
}

void put_histogram(const histogram_entry& e, timestamp_ms frame_ts, std::string& out) {
  put_varint(out, e.series);
  put_svarint(out, difference(e.ts, frame_ts));
  put_u8(out, e.start_ts != no_start_timestamp);
  if (e.start_ts != no_start_timestamp)
    put_svarint(out, difference(e.ts, e.start_ts));
  std::string value;
  e.value->encode(value);
  put_bytes(out, value);
}

bool read_histograms(std::string_view part, timestamp_ms frame_ts,
                     std::vector<histogram_entry>& out) {
  out.clear();
  return read_all(part, [&](byte_reader& in) {
    histogram_entry e{};
    if (!read_index(in, e.series))
      return false;
    e.ts = plus(frame_ts, in.svarint());
    uint8_t has_start = in.u8();
    e.start_ts = has_start ? minus(e.ts, in.svarint()) : no_start_timestamp;
    auto value = histogram::decode(in.bytes());
    if (in.failed() || has_start > 1 || !value.ok())
      return false;
    e.value = std::make_shared<const histogram>(*std::move(value));
    out.push_back(std::move(e));
    return true;
  });
}

void put_exemplar(const exemplar_entry& e, timestamp_ms frame_ts, std::string& out) {
  put_varint(out, e.series);
  put_labels(e.value.lset, out);
  put_u64(out, std::bit_cast<uint64_t>(e.value.value));
  put_u8(out, e.value.ts != 0);
  if (e.value.ts != 0)
    put_svarint(out, difference(e.value.ts, frame_ts));
}

bool read_exemplars(std::string_view part, timestamp_ms frame_ts,
                    std::vector<exemplar_entry>& out) {
  out.clear();
  return read_all(part, [&](byte_reader& in) {
    exemplar_entry e{};
    if (!read_index(in, e.series))
      return false;
    auto blob = in.bytes();
    e.value.value = std::bit_cast<double>(in.u64());
    uint8_t has_ts = in.u8();
    if (has_ts)
      e.value.ts = plus(frame_ts, in.svarint());
    if (in.failed() || has_ts > 1 || (!blob.empty() && !labels::from_blob(blob, e.value.lset)))
      return false;
    out.push_back(std::move(e));
    return true;
  });
}

void put_metadata(const metadata_entry& e, std::string& out) {
  put_bytes(out, e.family);
  put_u8(out, static_cast<uint8_t>(e.value.type));
  put_bytes(out, e.value.unit);
  put_bytes(out, e.value.help);
}

bool read_metadata(std::string_view part, std::vector<metadata_entry>& out) {
  out.clear();
  return read_all(part, [&](byte_reader& in) {
    metadata_entry e;
    e.family = in.bytes();
    uint8_t type = in.u8();
    e.value.type = type > static_cast<uint8_t>(metric_type::stateset)
                       ? metric_type::unknown
                       : static_cast<metric_type>(type);
    e.value.unit = in.bytes();
    e.value.help = in.bytes();
    if (in.failed())
      return false;
    out.push_back(std::move(e));
    return true;
  });
}

void put_tombstone(const tombstone_entry& e, std::string& out) {
  put_labels(e.series, out);
  put_u64(out, static_cast<uint64_t>(e.mint));
  put_u64(out, static_cast<uint64_t>(e.maxt));
}

bool read_tombstones(std::string_view part, std::vector<tombstone_entry>& out) {
  out.clear();
  return read_all(part, [&](byte_reader& in) {
    tombstone_entry e;
    auto blob = in.bytes();
    e.mint = static_cast<int64_t>(in.u64());
    e.maxt = static_cast<int64_t>(in.u64());
    if (in.failed() || (!blob.empty() && !labels::from_blob(blob, e.series)))
      return false;
    out.push_back(std::move(e));
    return true;
  });
}

}  // namespace troupe::storage
