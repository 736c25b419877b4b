// GET /api/v1/status/kafka: topics that this node writes and reads, and how far it is.
#include "pipeline/api/handlers.h"
#include "pipeline/api/json_object.h"
#include "pipeline/topics/topic_board.h"
#include "storage/base/civil_time.h"

namespace troupe::api {

namespace {

constexpr double ms_per_second = 1000;

void add_time(json_object& o, std::string_view key, std::optional<timestamp_ms> t) {
  if (t)
    o.text(key, format_rfc3339(*t));
  else
    o.raw(key, "null");
}

std::string writer_json(const topics::writer_mark& w) {
  json_object o;
  o.text("node", fmt::format("{:016x}", w.node));
  for (const auto& [key, t] : {std::pair("asOf", w.as_of), std::pair("heard", w.heard)})
    add_time(o, key, t == min_time ? std::nullopt : std::optional(t));
  return o.done();
}

std::string publication_json(const topics::publication_state& p) {
  json_object o;
  o.text("name", p.name).text("topic", p.topic).boolean("up", p.up).boolean("paused", p.paused);
  add_time(o, "downSince", p.down_since);
  return o.text("lastError", p.last_error)
      .number("lagSeconds", static_cast<double>(p.lag_ms) / ms_per_second)
      .number("lagBytes", p.lag_bytes)
      .number("droppedSamples", p.dropped)
      .done();
}

std::string consumption_json(const topics::consumption_state& c) {
  const std::string partitions =
      json_list(c.stretches, [](const topics::consumption_state::stretch_state& s) {
        return json_object()
            .number("partition", s.partition)
            .boolean("backlog", s.backlog)
            .number("nextOffset", s.next)
            .number("endOffset", s.end)
            .done();
      });
  json_object o;
  o.text("name", c.name)
      .text("cluster", c.kafka)
      .text("topic", c.topic)
      .boolean("up", c.up)
      .boolean("paused", c.paused);
  add_time(o, "downSince", c.down_since);
  o.text("lastError", c.last_error);
  add_time(o, "completeUntil", c.watermark);
  return o.number("lagSeconds", static_cast<double>(c.lag.ms) / ms_per_second)
      .number("lagRecords", c.lag.records)
      .number("gaps", c.totals.gaps)
      .number("gapRecords", c.totals.gap_records)
      .number("poisoned", c.totals.poisoned)
      .number("resets", c.totals.resets)
      .number("lostSamples", c.totals.lost_samples)
      .raw("writers", json_list(c.writers, writer_json))
      .raw("partitions", partitions)
      .done();
}

}  // namespace

answer handle_kafka(const services& s, const http::request&, const inputs&) {
  static const topics::topic_board none;
  const topics::topic_board& board = s.topics ? *s.topics : none;
  return success(json_object()
                     .raw("publish", json_list(board.published(), publication_json))
                     .raw("consume", json_list(board.consumed(), consumption_json))
                     .done());
}

}  // namespace troupe::api
