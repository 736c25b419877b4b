#include "pipeline/topics/tally.h"

#include "storage/base/log.h"

#include <fmt/format.h>

#include <utility>

namespace troupe::topics {
namespace {

const logger in_log("consume");

constexpr uint64_t most_lines = 100;

void raise_to(counter& c, uint64_t total) {
  if (const double behind = static_cast<double>(total) - c.value(); behind > 0)
    c.add(behind);
}

}  // namespace

tally::figures::figures(registry& r, const std::string& name)
    : samples(r.get_counter("troupe_kafka_consume_samples_total",
                            "Samples, histograms and exemplars read and stored.",
                            {{"consumption", name}})),
      records(r.get_counter("troupe_kafka_consume_records_total",
                            "Records fetched, those that are read again included.",
                            {{"consumption", name}})),
      bytes(r.get_counter("troupe_kafka_consume_bytes_total", "Bytes of these records.",
                          {{"consumption", name}})),
      refused(r.get_counter("troupe_kafka_consume_refused_total",
                            "Samples read that the storage refuses.", {{"consumption", name}})),
      poisoned(r.get_counter("troupe_kafka_consume_poisoned_total",
                             "Records that cannot be read, or that the storage does not take.",
                             {{"consumption", name}})),
      gaps(r.get_counter("troupe_kafka_consume_gaps_total",
                         "Times that records were gone, or what they refer to, before they were "
                         "read.",
                         {{"consumption", name}})),
      gap_records(r.get_counter("troupe_kafka_consume_gap_records_total",
                                "Records that are missing for that.", {{"consumption", name}})),
      resets(r.get_counter("troupe_kafka_consume_resets_total",
                           "Times that a partition was read anew, for it was another one, or had "
                           "lost its end.",
                           {{"consumption", name}})),
      lost(r.get_counter("troupe_kafka_consume_lost_samples_total",
                         "Samples of records whose series are not known, for the records that "
                         "describe them are gone or damaged.",
                         {{"consumption", name}})),
      errors(r.get_counter("troupe_kafka_consume_errors_total",
                           "Times that something failed that is tried again.",
                           {{"consumption", name}})),
      lag_seconds(r.get_gauge("troupe_kafka_consume_lag_seconds",
                              "How old the oldest record is that is not stored, or since when the "
                              "cluster does not answer.",
                              {{"consumption", name}})),
      lag_records(r.get_gauge("troupe_kafka_consume_lag_records",
                              "Records of the topic that are not stored.",
                              {{"consumption", name}})),
      watermark(r.get_gauge("troupe_kafka_consume_watermark_seconds",
                            "Up to this time, in Unix seconds, all that was written into the topic "
                            "is stored; 0: not known.",
                            {{"consumption", name}})),
      up(r.get_gauge("troupe_kafka_consume_up", "1 if the topic's cluster answers.",
                     {{"consumption", name}})),
      writers(r.get_gauge("troupe_kafka_consume_writers",
                          "Troupe nodes that wrote into the topic within its last hour; a region's "
                          "topic has one.",
                          {{"consumption", name}})) {}

tally::tally(std::string name, registry& metrics, record_quarantine& quarantine)
    : name_(std::move(name)), quarantine_(quarantine), metrics_(metrics, name_) {}

void tally::begin_with(const consume_totals& totals) {
  totals_ = totals;
  publish();
}

// The counters of one process go on where those of the one before were.
void tally::publish() {
  raise_to(metrics_.gaps, totals_.gaps);
  raise_to(metrics_.gap_records, totals_.gap_records);
  raise_to(metrics_.lost, totals_.lost_samples);
  raise_to(metrics_.poisoned, totals_.poisoned);
  raise_to(metrics_.resets, totals_.resets);
}

bool tally::is_told(uint64_t& lines) {
  if (++lines == most_lines)
    in_log.warn("{}: more of this kind are only counted", name_);
  return lines < most_lines;
}

void tally::fetched(uint64_t records, uint64_t bytes) {
  metrics_.records.add(static_cast<double>(records));
  metrics_.bytes.add(static_cast<double>(bytes));
}

void tally::stored(const storage::append_report& sum) {
  metrics_.samples.add(static_cast<double>(sum.accepted + sum.accepted_exemplars));
  const uint64_t refused = sum.refused() + sum.refused_exemplars;
  metrics_.refused.add(static_cast<double>(refused));
  if (refused != 0 && !std::exchange(refusing_, true))
    in_log.warn(
        "{}: the storage refuses samples: they are too old, too far ahead of the clock, or "
        "of series beyond a limit",
        name_);
  refusing_ = refused != 0;
}

void tally::refused(const kafka::fetched_record& r, uint64_t parts, std::string_view why) {
  if (parts == 0)
    return;
  metrics_.refused.add(static_cast<double>(parts));
  if (is_told(refused_lines_))
    in_log.warn("{}: record {} of partition {}: {} parts are left out: {}", name_, r.offset,
                r.partition, parts, why);
}

void tally::poisoned(const kafka::fetched_record& r, std::string_view why) {
  ++totals_.poisoned;
  publish();
  if (is_told(poison_lines_))
    in_log.error("{}: record {} of partition {} is left out: {}", name_, r.offset, r.partition,
                 why);
  quarantine_.keep(name_, r, why, now_ms_);
}

void tally::gap(uint32_t partition, offset_span gone, uint64_t records,
                std::optional<record_stamp> after) {
  ++totals_.gaps;
  totals_.gap_records += records;
  publish();
  in_log.error(
      "{}: of records {} to {} of partition {} {} are gone before they were read: samples {} are "
      "missing; the topic's retention is too short for this outage",
      name_, gone.first, gone.end - 1, partition, records,
      after ? fmt::format("that were written after {} ms", after->ts) : "of the topic's beginning");
}

void tally::not_understood(const kafka::fetched_record& r, uint64_t samples, bool first) {
  ++totals_.gap_records;
  totals_.lost_samples += samples;
  if (first) {
    ++totals_.gaps;
    in_log.error(
        "{}: partition {} from record {} of {} ms on: what its samples refer to is gone; they are "
        "missing until the writer describes its series again",
        name_, r.partition, r.offset, r.ts);
  }
  publish();
}

void tally::lost(const kafka::fetched_record& r, uint64_t samples) {
  if (samples == 0)
    return;
  if (is_told(lost_lines_))
    in_log.error(
        "{}: record {} of partition {}, of {} ms, has {} samples of series that a record which "
        "cannot be read described; they are missing until the writer describes its series again",
        name_, r.offset, r.partition, r.ts, samples);
  totals_.lost_samples += samples;
  publish();
}

void tally::reset(uint32_t partition, std::string_view why) {
  ++totals_.resets;
  publish();
  in_log.error("{}: partition {} is read anew from its beginning: {}", name_, partition, why);
}

void tally::failed(trouble what, std::string why) {
  metrics_.errors.add();
  auto& last = last_errors_[static_cast<size_t>(what)];
  if (why != last)
    in_log.error("{}: {}", name_, why);
  last = std::move(why);
}

std::string tally::last_error() const {
  for (const auto& e : last_errors_)
    if (!e.empty())
      return e;
  return {};
}

void tally::show(bool up, const consume_lag& lag, std::optional<timestamp_ms> watermark) {
  metrics_.up.set(up ? 1 : 0);
  metrics_.lag_seconds.set(static_cast<double>(lag.ms) / 1000);
  metrics_.lag_records.set(static_cast<double>(lag.records));
  metrics_.watermark.set(watermark ? static_cast<double>(*watermark) / 1000 : 0);
}

}  // namespace troupe::topics
