#include "pipeline/topics/quarantine.h"

#include "storage/base/damage.h"
#include "storage/base/log.h"

#include <fmt/format.h>

#include <utility>

namespace troupe::topics {
namespace {

const logger in_log("consume");
constexpr std::string_view record_suffix = ".record";

}  // namespace

record_quarantine::record_quarantine(file_system& files, registry& metrics, std::string folder)
    : files_(files),
      folder_(std::move(folder)),
      kept_(metrics.get_counter("troupe_kafka_quarantined_records_total",
                                "Records of topics that cannot be read and were set aside.")),
      not_kept_(metrics.get_counter("troupe_kafka_quarantine_dropped_records_total",
                                    "The same that were not set aside, for lack of room or an "
                                    "error of the disk.")) {}

// What earlier starts have set aside counts, too.
status record_quarantine::open(int64_t now_ms) {
  if (opened_)
    return {};
  TROUPE_TRY(files_.create_directories(folder_));
  TROUPE_TRY(
      note_quarantine(files_, folder_, now_ms, "records of Kafka's topics that cannot be read"));
  TROUPE_ASSIGN(const auto entries, files_.list(folder_));
  for (const auto& e : entries) {
    if (!e.name.ends_with(record_suffix))
      continue;
    ++records_;
    bytes_ += files_.file_size(join_path(folder_, e.name)).value_or(0);
  }
  opened_ = true;
  return {};
}

status record_quarantine::write(const std::string& path, const kafka::fetched_record& r,
                                std::string_view why, int64_t now_ms) {
  TROUPE_TRY(write_file_atomically(files_, path, r.payload));
  return note_quarantine(files_, path, now_ms, why);
}

void record_quarantine::keep(std::string_view consumption, const kafka::fetched_record& r,
                             std::string_view why, int64_t now_ms) {
  const auto path = join_path(
      folder_, fmt::format("{}-{}-{}{}", consumption, r.partition, r.offset, record_suffix));
  status s = open(now_ms);
  if (s.ok() && files_.exists(path))
    return;
  if (s.ok() && (records_ >= most_records || bytes_ + r.payload.size() > most_bytes)) {
    if (!std::exchange(full_told_, true))
      in_log.error("{} is full: records that cannot be read are only counted from now on", folder_);
    return not_kept_.add();
  }
  if (s.ok())
    s = write(path, r, why, now_ms);
  if (!s.ok()) {
    in_log.error("cannot set a record aside: {}", s.message());
    return not_kept_.add();
  }
  kept_.add();
  ++records_;
  bytes_ += r.payload.size();
}

}  // namespace troupe::topics
