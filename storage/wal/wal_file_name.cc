#include "storage/wal/wal_file_name.h"

#include "storage/model/slot.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace troupe::storage {
namespace {

// By wal_file_kind.
constexpr std::string_view extensions[] = {"table", "checkpoint", "series", "wal"};

template <class T>
bool parse_number(std::string_view text, int base, T& out) {
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return ec == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string wal_file_name::to_string() const {
  return fmt::format("{:016x}-{:03}of{:03}-{:08}.{}", epoch, shard, shards, number,
                     extensions[static_cast<size_t>(kind)]);
}

std::optional<wal_file_name> wal_file_name::parse(std::string_view name) {
  // eeeeeeeeeeeeeeee-sssofSSS-nnnnnnnn.kind
  constexpr size_t fixed = 35;
  if (name.size() <= fixed || name[16] != '-' || name.substr(20, 2) != "of" || name[25] != '-' ||
      name[34] != '.')
    return std::nullopt;
  wal_file_name out;
  if (!parse_number(name.substr(0, 16), 16, out.epoch) ||
      !parse_number(name.substr(17, 3), 10, out.shard) ||
      !parse_number(name.substr(22, 3), 10, out.shards) ||
      !parse_number(name.substr(26, 8), 10, out.number))
    return std::nullopt;
  auto kind = std::find(std::begin(extensions), std::end(extensions), name.substr(fixed));
  if (kind == std::end(extensions) || out.shards == 0 || out.shards > slot_count ||
      out.shard >= out.shards)
    return std::nullopt;
  out.kind = static_cast<wal_file_kind>(kind - std::begin(extensions));
  return out;
}

}  // namespace troupe::storage
