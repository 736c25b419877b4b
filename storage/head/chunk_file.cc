#include "storage/head/chunk_file.h"

#include "storage/base/coding.h"
#include "storage/base/hash.h"
#include "storage/head/head_chunk.h"

#include <fmt/format.h>

#include <algorithm>

namespace troupe::storage {
namespace {

constexpr std::string_view magic = "TRPHEADC";
constexpr uint32_t version = 1;
constexpr size_t header_size = 32;

std::string make_header(uint64_t begin, uint64_t size) {
  std::string out(magic);
  put_u32(out, version);
  put_u64(out, begin);
  put_u64(out, size);
  put_u32(out, crc32c(out));
  return out;
}

}  // namespace

std::string_view chunk_file::bytes() const {
  return map_->data().substr(header_size);
}

std::string chunk_folder::path_of(uint64_t begin) const {
  return join_path(dir_, fmt::format("{:05}-{:016x}", shard_, begin));
}

std::string chunk_folder::snapshot_path() const {
  return join_path(dir_, fmt::format("{:05}{}", shard_, snapshot_suffix));
}

status chunk_folder::clear(const std::set<uint64_t>& kept) {
  auto listed = fs_.list(dir_);
  if (listed.code() == errc::not_found)
    return fs_.create_directories(dir_);
  if (!listed.ok())
    return listed.error();
  const std::string mine = fmt::format("{:05}-", shard_);
  std::set<std::string> names;
  for (const uint64_t begin : kept)
    names.insert(path_of(begin));
  for (const auto& e : *listed)
    if (e.name.starts_with(mine) && !names.contains(join_path(dir_, e.name)))
      TROUPE_TRY(fs_.remove_file(join_path(dir_, e.name)));
  return {};
}

result<std::unique_ptr<chunk_file>> chunk_folder::write(uint64_t begin, std::string_view bytes) {
  const std::string path = path_of(begin), header = make_header(begin, bytes.size());
  const auto fill = [&]() -> result<std::unique_ptr<mapped_file>> {
    TROUPE_ASSIGN(auto file, fs_.create(path));
    TROUPE_TRY(file->append(header));
    TROUPE_TRY(file->append(bytes));
    TROUPE_TRY(file->close());
    TROUPE_ASSIGN(auto map, fs_.map(path));
    const std::string_view got = map->data();
    if (got.substr(0, header_size) != header || got.substr(header_size) != bytes)
      return {errc::corruption, path + ": does not read as it was written"};
    return map;
  };
  auto map = fill();
  if (!map.ok()) {
    fs_.remove_file(path).ignore();
    return map.error();
  }
  return std::make_unique<chunk_file>(std::move(*map), crc32c(bytes));
}

result<std::unique_ptr<chunk_file>> chunk_folder::open(uint64_t begin, uint64_t size,
                                                       uint32_t checksum) {
  const std::string path = path_of(begin);
  TROUPE_ASSIGN(auto map, fs_.map(path));
  const std::string_view got = map->data();
  const bool same = got.size() == header_size + size &&
                    got.substr(0, header_size) == make_header(begin, size) &&
                    crc32c(got.substr(header_size)) == checksum;
  if (!same || map->failed())
    return {errc::corruption, path + ": is not the file that was written"};
  return std::make_unique<chunk_file>(std::move(map), checksum);
}

status chunk_folder::sync(uint64_t begin) {
  TROUPE_ASSIGN(auto file, fs_.open_append(path_of(begin)));
  TROUPE_TRY(file->sync());
  return file->close();
}

status chunk_folder::remove(uint64_t begin) {
  return fs_.remove_file(path_of(begin));
}

status check_chunk_file(file_system& fs, const std::string& path) {
  TROUPE_ASSIGN(const auto map, fs.map(path));
  const std::string_view data = map->data();
  status s;
  byte_reader in(data.substr(0, std::min(data.size(), header_size)));
  in.take(magic.size() + sizeof(version));
  const uint64_t begin = in.u64(), size = in.u64();
  if (in.failed() || data.substr(0, header_size) != make_header(begin, size))
    s = {errc::corruption, "offset 0: the header does not hold"};
  else if (data.size() - header_size != size)
    s = {errc::corruption, fmt::format("offset {}: the file ends, the header says {} bytes",
                                       data.size(), header_size + size)};
  else if (const size_t at = find_bad_record(data.substr(header_size)); at != size)
    s = {errc::corruption, fmt::format("offset {}: bad checksum of a chunk", header_size + at)};
  return map->failed() ? status(errc::io_error, "cannot be read") : s;
}

}  // namespace troupe::storage
