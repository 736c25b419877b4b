// Names of the log's files. Plain values.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::storage {

/// `table` is the series log of a checkpoint.
enum class wal_file_kind : uint8_t { table, checkpoint, series, segment };

struct wal_file_name {
  uint64_t epoch = 0;
  uint16_t shard = 0;
  uint16_t shards = 1;
  uint32_t number = 0;
  wal_file_kind kind = wal_file_kind::segment;

  /// "000000006553f100-003of008-00000012.wal"
  std::string to_string() const;
  static std::optional<wal_file_name> parse(std::string_view name);
  /// May a frame of `slot` be in it?
  bool covers(uint16_t slot) const { return slot % shards == shard; }
  /// Age: epoch, shard, number, kind.
  auto operator<=>(const wal_file_name&) const = default;
  bool same_run(const wal_file_name& o) const {
    return epoch == o.epoch && shard == o.shard && shards == o.shards;
  }
};

}  // namespace troupe::storage
