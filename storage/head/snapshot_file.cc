#include "storage/head/snapshot_file.h"

#include "storage/base/coding.h"
#include "storage/base/hash.h"

namespace troupe::storage {
namespace {

constexpr size_t front_bytes = 8;  // length and checksum
constexpr size_t flush_bytes = 1u << 20;
constexpr size_t first_read_bytes = 4096;

// The body of the frame at `at`, which moves behind it; empty if it does not lie in `bytes`.
std::string_view take_body(std::string_view bytes, size_t& at, uint32_t& checksum) {
  byte_reader in(bytes.substr(at));
  const uint32_t length = in.u32();
  checksum = in.u32();
  const std::string_view body = in.take(length);
  if (in.failed())
    return {};
  at += front_bytes + body.size();
  return body;
}

bool holds(std::string_view bytes) {
  uint32_t before = 0, told = 0;
  for (size_t at = 0; at < bytes.size();) {
    const std::string_view body = take_body(bytes, at, told);
    before = crc32c(body, before);
    if (body.empty() || told != before)
      return false;
    if (body[0] == static_cast<char>(snapshot_frame::end))
      return at == bytes.size();
  }
  return false;
}

}  // namespace

void put_snapshot_frame(snapshot_frame kind, std::string_view content, uint32_t& checksum,
                        std::string& out) {
  const char first = static_cast<char>(kind);
  checksum = crc32c(content, crc32c({&first, 1}, checksum));
  put_u32(out, static_cast<uint32_t>(content.size() + 1));
  put_u32(out, checksum);
  out.push_back(first);
  out.append(content);
}

result<std::unique_ptr<snapshot_writer>> snapshot_writer::create(file_system& fs,
                                                                 const std::string& path) {
  std::unique_ptr<snapshot_writer> out(new snapshot_writer(fs, path));
  TROUPE_ASSIGN(out->file_, fs.create(path + ".tmp"));
  return out;
}

snapshot_writer::~snapshot_writer() {
  if (finished_ || !file_)
    return;
  file_->close().ignore();
  fs_.remove_file(path_ + ".tmp").ignore();
}

status snapshot_writer::flush() {
  TROUPE_TRY(file_->append(pending_));
  pending_.clear();
  return {};
}

status snapshot_writer::put(snapshot_frame kind, std::string_view content) {
  put_snapshot_frame(kind, content, checksum_, pending_);
  return pending_.size() >= flush_bytes ? flush() : status();
}

status snapshot_writer::finish() {
  TROUPE_TRY(put(snapshot_frame::end, {}));
  TROUPE_TRY(flush());
  TROUPE_TRY(file_->sync());
  TROUPE_TRY(file_->close());
  TROUPE_TRY(fs_.rename(path_ + ".tmp", path_));
  finished_ = true;
  return fs_.sync_directory(path_.substr(0, path_.rfind('/')));
}

result<std::unique_ptr<snapshot_reader>> snapshot_reader::open(file_system& fs,
                                                               const std::string& path) {
  TROUPE_ASSIGN(auto map, fs.map(path));
  std::unique_ptr<snapshot_reader> out(new snapshot_reader(std::move(map)));
  if (!holds(out->map_->data()) || out->failed())
    return {errc::corruption, path + " is damaged"};
  return out;
}

result<std::string> snapshot_reader::first(file_system& fs, const std::string& path) {
  TROUPE_ASSIGN(auto file, fs.open_read(path));
  std::string bytes;
  TROUPE_TRY(file->read(0, first_read_bytes, bytes));
  size_t at = 0;
  uint32_t told = 0;
  const std::string_view body = take_body(bytes, at, told);
  if (body.empty() || crc32c(body) != told || body[0] != static_cast<char>(snapshot_frame::header))
    return {errc::corruption, path + " does not begin as a snapshot does"};
  return std::string(body.substr(1));
}

bool snapshot_reader::next(snapshot_frame& kind, std::string_view& content) {
  uint32_t ignored = 0;
  const std::string_view body = take_body(map_->data(), at_, ignored);
  if (body.empty())
    return false;
  kind = static_cast<snapshot_frame>(body[0]);
  content = body.substr(1);
  return kind != snapshot_frame::end;
}

}  // namespace troupe::storage
