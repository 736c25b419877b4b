#include "pipeline/federate/node_id.h"

#include "storage/base/log.h"
#include "storage/base/random.h"

#include <fmt/format.h>

#include <charconv>

namespace troupe::federate {
namespace {

const logger log_id("federation");

constexpr uint64_t max_file_bytes = 64;

result<uint64_t> read_id(file_system& fs, const std::string& path) {
  TROUPE_ASSIGN(const std::string text, read_file(fs, path, max_file_bytes));
  uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
  if (error != std::errc() || id_text(id) + "\n" != text)
    return {errc::corruption, path + " is damaged"};
  return id;
}

}  // namespace

std::string id_text(uint64_t id) {
  return fmt::format("{:016x}", id);
}

uint64_t node_id(file_system& fs, const std::string& folder, uint64_t seed) {
  const std::string path = join_path(folder, "node_id");
  const auto known = read_id(fs, path);
  if (known.ok())
    return *known;
  const uint64_t id = seeded_random(seed).next();
  status failed = known.error();
  if (failed.code() == errc::corruption)
    log_id.error("{}: this node is a new one for others", failed.message());
  if (failed.code() == errc::not_found || failed.code() == errc::corruption) {
    failed = fs.create_directories(folder);
    if (failed.ok())
      failed = write_file_atomically(fs, path, id_text(id) + "\n");
  }
  if (!failed.ok())
    log_id.error("{}: until it is started again this node is a new one for others",
                 failed.message());
  return id;
}

}  // namespace troupe::federate
