#include "tests/pipeline/topics/topics_kit.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <bit>

namespace troupe::topics {

random_writer::random_writer(uint64_t seed, const shape& s)
    : shape_(s), random_(seed), source_(seed, s.data), writer_(s.at) {}

std::string random_writer::next(int64_t offset) {
  if (taken_++ % shape_.records == 0 && taken_ != 1)
    writer_.begin_segment();
  if (writer_.at_segment_start())
    key_offset_ = offset;
  content_ = {};
  for (uint64_t n = random_.below(shape_.batches + 1); n > 0; --n) {
    write_batch b = source_.next();
    EXPECT_TRUE(writer_.add(b).ok());
    b.source_position.clear();
    content_.add(b);
  }
  EXPECT_EQ(writer_.samples(), content_.samples.size());
  now_ += 500;
  return writer_.take(key_offset_, now_);
}

void partition_log::add(random_writer& from) {
  records.push_back(from.next(static_cast<int64_t>(records.size())));
  contents.push_back(from.content());
}

uint64_t partition_log::samples(size_t offset) const {
  return contents[offset].samples.size();
}

uint64_t partition_log::samples() const {
  uint64_t n = 0;
  for (const auto& c : contents)
    n += c.samples.size();
  return n;
}

void add_all(log_content& to, const log_content& from) {
  to.samples.insert(from.samples.begin(), from.samples.end());
  to.exemplars.insert(from.exemplars.begin(), from.exemplars.end());
  to.metadata.insert(from.metadata.begin(), from.metadata.end());
}

log_content partition_log::content(size_t first) const {
  log_content out;
  for (size_t i = first; i < contents.size(); ++i)
    add_all(out, contents[i]);
  return out;
}

partition_log fill(uint64_t seed, size_t records, const random_writer::shape& s) {
  partition_log out;
  random_writer from(seed, s);
  while (out.records.size() < records)
    out.add(from);
  return out;
}

bool taken::read(record_reader& from, std::string_view payload, int64_t offset) {
  const auto got = from.read(payload, offset);
  if (!got.ok()) {
    EXPECT_TRUE(got.code() == errc::corruption || got.code() == errc::unsupported);
    EXPECT_FALSE(got.error().message().empty());
    ++failed;
    return false;
  }
  uint64_t in_batches = 0;
  log_content fresh;
  for (const auto& b : got->batches) {
    EXPECT_TRUE(b->taken_over);
    EXPECT_EQ(b->source_position, "");
    fresh.add(*b);
    in_batches += b->sample_count();
  }
  for (const auto& [key, value] : fresh.samples) {
    const auto at = content.samples.try_emplace(key, value).first;
    EXPECT_EQ(at->second, value) << "a second, different value";
  }
  add_all(content, fresh);
  EXPECT_EQ(got->samples, in_batches);
  samples += got->samples;
  lost += got->lost;
  last = got->batches;
  return true;
}

std::string text_of(const std::vector<batch_ptr>& batches) {
  std::string out;
  const auto hex = [](double v) { return fmt::format("{:016x}", std::bit_cast<uint64_t>(v)); };
  for (const auto& b : batches) {
    const auto series = [&](uint32_t i) { return b->table->series[i].to_string(); };
    out += fmt::format("batch tenant={} group={}\n", b->tenant, b->group);
    for (const auto& e : b->floats)
      out += fmt::format("float {} {} {}\n", series(e.series), e.ts, hex(e.value));
    for (const auto& e : b->starts)
      out += fmt::format("start {} {}\n", e.index, e.start_ts);
    for (const auto& e : b->histograms)
      out += fmt::format("histogram {} {} {} schema={} count={} sum={} buckets={}\n",
                         series(e.series), e.ts, e.start_ts, e.value->schema, hex(e.value->count),
                         hex(e.value->sum), e.value->positive_buckets.size());
    for (const auto& e : b->exemplars)
      out += fmt::format("exemplar {} {} {} {}\n", series(e.series), e.value.lset.to_string(),
                         e.value.ts, hex(e.value.value));
    for (const auto& e : b->metadata)
      out += fmt::format("metadata {} {} {} {}\n", e.family, to_string(e.value.type), e.value.unit,
                         e.value.help);
  }
  return out;
}

}  // namespace troupe::topics
