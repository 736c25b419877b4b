#include "storage/chunk/time_column.h"

#include "storage/chunk/integer_column.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>

namespace troupe::storage {
namespace {

// All arithmetic is modulo 2^64, so that any two timestamps have a difference.
uint64_t minus(timestamp_ms a, timestamp_ms b) {
  return static_cast<uint64_t>(a) - static_cast<uint64_t>(b);
}

void encode_plain(std::span<const timestamp_ms> ts, std::string& out) {
  uint64_t delta = minus(ts[1], ts[0]);
  for (size_t i = 2; i < ts.size(); ++i) {
    const uint64_t next = minus(ts[i], ts[i - 1]);
    put_svarint(out, static_cast<int64_t>(next - delta));
    delta = next;
  }
}

void encode_runs(std::span<const timestamp_ms> ts, std::string& out) {
  uint64_t delta = minus(ts[1], ts[0]);
  for (size_t i = 2; i < ts.size();) {
    const uint64_t change = minus(ts[i], ts[i - 1]) - delta;
    size_t run = 0;
    do {
      delta = minus(ts[i], ts[i - 1]);
      ++i;
      ++run;
    } while (i < ts.size() && minus(ts[i], ts[i - 1]) - delta == change);
    put_varint(out, run);
    put_svarint(out, static_cast<int64_t>(change));
  }
}

bool decode_plain(byte_reader& in, uint64_t delta, std::span<timestamp_ms> ts) {
  for (size_t i = 2; i < ts.size(); ++i) {
    delta += static_cast<uint64_t>(in.svarint());
    ts[i] = static_cast<timestamp_ms>(static_cast<uint64_t>(ts[i - 1]) + delta);
    if (ts[i] <= ts[i - 1])
      return false;
  }
  return !in.failed();
}

// Fills `ts` with first + delta, first + 2 * delta, …; false if they do not increase.
bool fill_regular(timestamp_ms first, uint64_t delta, std::span<timestamp_ms> ts) {
  int64_t way = 0, last = 0;
  const auto step = static_cast<int64_t>(delta);
  if (step <= 0 || __builtin_mul_overflow(step, static_cast<int64_t>(ts.size()), &way) ||
      __builtin_add_overflow(first, way, &last))
    return false;
  for (size_t i = 0; i < ts.size(); ++i)
    ts[i] = first + step * static_cast<int64_t>(i + 1);
  return true;
}

bool decode_runs(byte_reader& in, uint64_t delta, std::span<timestamp_ms> ts) {
  for (size_t i = 2; i < ts.size();) {
    const uint64_t run = in.varint();
    const auto change = static_cast<uint64_t>(in.svarint());
    if (in.failed() || run == 0 || run > ts.size() - i)
      return false;
    if (change == 0 && fill_regular(ts[i - 1], delta, ts.subspan(i, run))) {
      i += run;
      continue;
    }
    for (const size_t end = i + run; i < end; ++i) {
      delta += change;
      ts[i] = static_cast<timestamp_ms>(static_cast<uint64_t>(ts[i - 1]) + delta);
      if (ts[i] <= ts[i - 1])
        return false;
    }
  }
  return true;
}

bool decode_packed_times(byte_reader& in, std::span<timestamp_ms> ts) {
  integer_decoder column;
  if (!column.open(in, ts.size()) || column.tag() != 0)
    return false;
  std::array<uint64_t, block_rows> rows;
  for (size_t at = 0; at < ts.size(); at += block_rows) {
    if (!column.next(rows.data()))
      return false;
    const size_t n = std::min(block_rows, ts.size() - at);
    std::memcpy(ts.data() + at, rows.data(), n * sizeof(timestamp_ms));
  }
  return std::adjacent_find(ts.begin(), ts.end(), std::greater_equal<>()) == ts.end();
}

// What even a perfectly regular packed column takes, about.
size_t least_packed_size(size_t count) {
  return 4 + count / block_rows;
}

}  // namespace

time_form encode_times(std::span<const timestamp_ms> ts, std::string& out) {
  std::string front, changes;
  time_form form = time_form::plain;
  put_svarint(front, ts[0]);
  if (ts.size() > 1) {
    put_varint(front, minus(ts[1], ts[0]));
    encode_runs(ts, changes);
    form = time_form::runs;
    // The plain form takes at least a byte a change.
    if (changes.size() >= ts.size() - 2) {
      std::string plain;
      encode_plain(ts, plain);
      if (plain.size() <= changes.size()) {
        changes = std::move(plain);
        form = time_form::plain;
      }
    }
  }
  if (changes.size() > least_packed_size(ts.size())) {
    thread_local integer_rows rows;
    rows.resize(ts.size());
    std::memcpy(rows.data(), ts.data(), ts.size_bytes());
    integer_plan plan(rows);
    if (plan.bytes() < front.size() + changes.size()) {
      plan.encode(0, out);
      return time_form::packed;
    }
  }
  out += front;
  out += changes;
  return form;
}

bool decode_times(byte_reader& in, time_form form, std::span<timestamp_ms> ts) {
  if (form == time_form::packed)
    return decode_packed_times(in, ts);
  ts[0] = in.svarint();
  if (ts.size() == 1)
    return !in.failed();
  const uint64_t delta = in.varint();
  ts[1] = static_cast<timestamp_ms>(static_cast<uint64_t>(ts[0]) + delta);
  if (in.failed() || ts[1] <= ts[0])
    return false;
  return form == time_form::runs ? decode_runs(in, delta, ts) : decode_plain(in, delta, ts);
}

void encode_starts(std::span<const timestamp_ms> starts, std::string& out) {
  timestamp_ms before = 0;
  for (size_t i = 0; i < starts.size();) {
    size_t end = i + 1;
    while (end < starts.size() && starts[end] == starts[i])
      ++end;
    put_varint(out, end - i);
    put_svarint(out, static_cast<int64_t>(minus(starts[i], before)));
    before = starts[i];
    i = end;
  }
}

bool decode_starts(byte_reader& in, std::span<timestamp_ms> starts) {
  uint64_t value = 0;
  for (size_t i = 0; i < starts.size();) {
    const uint64_t run = in.varint();
    value += static_cast<uint64_t>(in.svarint());
    if (in.failed() || run == 0 || run > starts.size() - i)
      return false;
    for (const size_t end = i + run; i < end; ++i)
      starts[i] = static_cast<timestamp_ms>(value);
  }
  return true;
}

}  // namespace troupe::storage
