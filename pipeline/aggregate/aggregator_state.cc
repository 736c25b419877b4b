// The state of a rule as bytes:
//
//   state  = svarint begun, svarint closed, varint groups, group…, varint inputs, input…
//   group  = bytes key (label blob), values (group.cc)
//   input  = bytes series (label blob), u8 known, svarint last_ts, u64 last, svarint interval,
//            svarint rate_from, u64 increase, varint samples, sample…
//   sample = svarint ts, u64 value
#include "pipeline/aggregate/aggregator.h"

#include <algorithm>
#include <bit>

namespace troupe::aggregate {
namespace {

void put_double(std::string& out, double v) {
  put_u64(out, std::bit_cast<uint64_t>(v));
}
double take_double(byte_reader& in) {
  return std::bit_cast<double>(in.u64());
}

/// min_time, or one that can be reckoned with.
timestamp_ms take_time(byte_reader& in) {
  constexpr timestamp_ms furthest = 1LL << 53;
  const timestamp_ms t = in.svarint();
  if (t != min_time && (t < -furthest || t > furthest))
    in.fail();
  return in.failed() ? 0 : t;
}

/// Empty, and the reader failed, if there is none.
labels take_labels(byte_reader& in) {
  labels out;
  if (!labels::from_blob(in.bytes(), out))
    in.fail();
  return out.packed();
}

status malformed() {
  return {errc::corruption, "malformed state of an aggregation rule"};
}

}  // namespace

void aggregator::encode(std::string& out) const {
  put_svarint(out, begun_);
  put_svarint(out, closed_);
  put_varint(out, groups());
  for (const auto& g : groups_) {
    if (!g)
      continue;
    put_bytes(out, g->key().blob());
    g->encode(out);
  }
  put_varint(out, inputs());
  for (const auto& in : inputs_) {
    if (in.series.empty())
      continue;
    put_bytes(out, in.series.blob());
    put_u8(out, in.known ? 1 : 0);
    put_svarint(out, in.last_ts);
    put_double(out, in.last);
    put_svarint(out, in.interval);
    put_svarint(out, in.rate_from);
    put_double(out, in.increase);
    put_varint(out, in.waiting.size());
    for (const auto& s : in.waiting) {
      put_svarint(out, s.ts);
      put_double(out, s.value);
    }
  }
}

result<std::unique_ptr<aggregator>> aggregator::decode(rule_ptr r, std::string_view bytes) {
  byte_reader in(bytes);
  const timestamp_ms begun = take_time(in);
  if (begun == min_time)
    return malformed();
  auto out = std::make_unique<aggregator>(std::move(r), begun);
  out->closed_ = take_time(in);
  if (out->closed_ < begun - out->rule_->step_ms() || out->closed_ % out->rule_->step_ms() != 0)
    in.fail();
  for (uint64_t left = in.varint(); left > 0 && !in.failed(); --left) {
    const labels key = take_labels(in);
    if (in.failed())
      break;
    const size_t before = out->groups();
    group& g = *out->groups_[out->group_for(key)];
    g.decode(in);
    if (out->groups() == before)
      in.fail();  // it is there twice
  }
  for (uint64_t left = in.varint(); left > 0 && !in.failed(); --left) {
    const labels series = take_labels(in);
    if (in.failed() || series.empty())
      return malformed();
    const size_t before = out->inputs();
    input& i = out->inputs_[out->find_or_make(series)];
    if (out->inputs() == before)
      in.fail();
    i.known = in.u8() != 0;
    i.last_ts = take_time(in);
    i.last = take_double(in);
    i.interval = take_time(in);
    i.rate_from = take_time(in);
    i.increase = take_double(in);
    if (i.known && i.last_ts == min_time)
      in.fail();
    for (uint64_t samples = in.varint(); samples > 0 && !in.failed(); --samples) {
      const timestamp_ms ts = take_time(in);
      if (ts <= out->closed_)
        in.fail();
      i.waiting.push_back({ts, take_double(in)});
    }
    out->waiting_ += i.waiting.size();
  }
  // A group lives by its members.
  const bool all_in_use = std::all_of(out->groups_.begin(), out->groups_.end(),
                                      [](const auto& g) { return g->members != 0; });
  if (in.failed() || !in.at_end() || !all_in_use)
    return malformed();
  out->next_stale_ = min_time;
  return out;
}

}  // namespace troupe::aggregate
