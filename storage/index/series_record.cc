#include "storage/index/series_record.h"

#include "storage/base/check.h"

namespace troupe::storage {
namespace {

// Two bits a pair: what of it is as in the pair in the same place of the record before.
enum pair_form : unsigned { same = 0, same_name = 1, other = 2 };
constexpr unsigned forms_per_byte = 4;
constexpr unsigned form_mask = 3;

pair_form form_of(const symbol_pair& pair, const series_record_state& state, size_t place) {
  if (place >= state.pairs.size() || state.pairs[place].first != pair.first)
    return other;
  return state.pairs[place].second == pair.second ? same : same_name;
}

void put_change(std::string& out, uint64_t now, uint64_t& before) {
  put_svarint(out, static_cast<int64_t>(now - before));
  before = now;
}

uint64_t take_change(byte_reader& in, uint64_t& before) {
  return before += static_cast<uint64_t>(in.svarint());
}

void put_pairs(std::span<const symbol_pair> pairs, series_record_state& state, std::string& out) {
  put_varint(out, pairs.size());
  for (size_t i = 0; i < pairs.size(); i += forms_per_byte) {
    unsigned forms = 0;
    for (size_t k = i; k < std::min(pairs.size(), i + forms_per_byte); ++k)
      forms |= form_of(pairs[k], state, k) << 2 * (k - i);
    put_u8(out, static_cast<uint8_t>(forms));
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    const pair_form form = form_of(pairs[i], state, i);
    if (form == same_name)
      put_svarint(out, int64_t{pairs[i].second} - int64_t{state.pairs[i].second});
    if (form == other) {
      put_varint(out, pairs[i].first);
      put_varint(out, pairs[i].second);
    }
  }
  state.pairs.assign(pairs.begin(), pairs.end());
}

bool read_pairs(byte_reader& in, series_record_state& state) {
  const uint64_t n = in.varint();
  if (n > in.remaining() * forms_per_byte)
    return false;
  const size_t before = state.pairs.size();
  const std::string_view forms = in.take((n + forms_per_byte - 1) / forms_per_byte);
  state.pairs.resize(static_cast<size_t>(n));
  for (size_t i = 0; i < n && !in.failed(); ++i) {
    auto& [name, value] = state.pairs[i];
    const unsigned form =
        static_cast<uint8_t>(forms[i / forms_per_byte]) >> 2 * (i % forms_per_byte) & form_mask;
    if (form > other || (form != other && i >= before))
      return false;
    if (form == same)
      continue;
    const uint64_t named = form == other ? in.varint() : name;
    const uint64_t valued =
        form == other ? in.varint() : value + static_cast<uint64_t>(in.svarint());
    if (named > UINT32_MAX || valued > UINT32_MAX)
      return false;
    name = static_cast<uint32_t>(named);
    value = static_cast<uint32_t>(valued);
  }
  return !in.failed();
}

}  // namespace

void put_series_record(std::span<const symbol_pair> pairs, std::span<const chunk_ref> chunks,
                       std::string_view statistics, series_record_state& state, std::string& out) {
  put_pairs(pairs, state, out);
  put_varint(out, chunks.size());
  uint64_t time = state.first_time;
  for (size_t i = 0; i < chunks.size(); ++i) {
    const chunk_ref& c = chunks[i];
    TROUPE_CHECK(c.min_ts <= c.max_ts);
    put_change(out, static_cast<uint64_t>(c.min_ts), time);
    if (i == 0)
      state.first_time = time;
    put_change(out, static_cast<uint64_t>(c.max_ts) - time, state.span);
    put_change(out, c.offset, state.end);
    put_varint(out, c.length);
    put_change(out, c.samples, state.samples);
    time = static_cast<uint64_t>(c.max_ts);
    state.end += c.length;
  }
  put_bytes(out, statistics);
}

status read_series_record(byte_reader& in, series_record_state& state,
                          std::vector<chunk_ref>& chunks, std::string_view& statistics) {
  if (!read_pairs(in, state))
    return {errc::corruption, "index: bad labels"};
  const uint64_t n = in.varint();
  if (n > in.remaining() / 5)  // a reference takes at least five bytes
    return {errc::corruption, "index: bad chunk count"};
  chunks.clear();
  chunks.reserve(static_cast<size_t>(n));
  uint64_t time = state.first_time;
  for (uint64_t i = 0; i < n; ++i) {
    chunk_ref c;
    c.min_ts = static_cast<timestamp_ms>(take_change(in, time));
    if (i == 0)
      state.first_time = time;
    c.max_ts = static_cast<timestamp_ms>(time + take_change(in, state.span));
    c.offset = take_change(in, state.end);
    const uint64_t length = in.varint(), samples = take_change(in, state.samples);
    if (in.failed() || length > UINT32_MAX || samples > UINT32_MAX || c.max_ts < c.min_ts)
      return {errc::corruption, "index: bad chunk reference"};
    c.length = static_cast<uint32_t>(length);
    c.samples = static_cast<uint32_t>(samples);
    time = static_cast<uint64_t>(c.max_ts);
    state.end += length;
    chunks.push_back(c);
  }
  statistics = in.bytes();
  return in.failed() ? status(errc::corruption, "index: a record is cut") : status();
}

}  // namespace troupe::storage
