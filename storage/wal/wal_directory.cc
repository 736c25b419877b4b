#include "storage/wal/wal_directory.h"

#include "storage/base/check.h"
#include "storage/base/damage.h"
#include "storage/base/log.h"
#include "storage/wal/log_end.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace troupe::storage {
namespace {

const logger log_wal("wal");

constexpr std::string_view epoch_file = "epoch";
constexpr std::string_view holds_file = "holds";
constexpr std::string_view temporary = ".tmp";
constexpr size_t header_read_bytes = 8192;

template <class T>
bool parse_number(std::string_view text, int base, T& out) {
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return ec == std::errc() && end == text.data() + text.size();
}

bool valid_hold_name(std::string_view name) {
  return !name.empty() && name.size() <= 200 &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 127; });
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    auto end = text.find(separator);
    out.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return out;
}

}  // namespace

wal_settings wal_settings::from(const options& opts) {
  wal_settings s;
  s.root = opts.dir;
  s.shards = opts.shards;
  s.segment_bytes = opts.wal_segment_bytes;
  s.key_frame_interval = opts.key_frame_interval;
  s.compression = opts.wal_compression;
  s.sync = opts.sync;
  s.sync_interval_ms = opts.sync_interval_ms;
  return s;
}

wal_position wal_commit_board::committed() const {
  std::lock_guard lock(mutex_);
  return position_;
}

void wal_commit_board::publish(const wal_position& position) {
  std::lock_guard lock(mutex_);
  position_ = position;
}

wal_directory::wal_directory(wal_settings settings)
    : settings_(std::move(settings)), path_(join_path(settings_.root, "wal")) {
  for (uint32_t i = 0; i < settings_.shards; ++i)
    boards_.push_back(std::make_unique<wal_commit_board>());
}

result<std::unique_ptr<wal_directory>> wal_directory::open(wal_settings settings) {
  TROUPE_CHECK(settings.fs && settings.clk);
  if (settings.shards == 0 || settings.shards > slot_count)
    return {errc::invalid_argument, "the number of shards must be 1 to 256"};
  if (settings.key_frame_interval == 0 || settings.segment_bytes == 0)
    return {errc::invalid_argument, "key frame interval and segment size must not be 0"};
  std::unique_ptr<wal_directory> dir(new wal_directory(std::move(settings)));
  file_system& fs = *dir->settings_.fs;
  TROUPE_TRY(fs.create_directories(dir->path_));
  TROUPE_TRY(dir->take_epoch());
  dir->load_holds();
  dir->settle_old_runs();
  return dir;
}

status wal_directory::take_epoch() {
  file_system& fs = *settings_.fs;
  uint64_t last = 0;
  std::string path = join_path(path_, epoch_file);
  if (auto text = read_file(fs, path); text.ok()) {
    uint64_t stored = 0;
    std::string_view digits = *text;
    if (parse_number(digits.substr(0, digits.find('\n')), 10, stored))
      last = stored;
  }
  TROUPE_ASSIGN(listing files, list());
  for (const auto& name : files.files)
    last = std::max(last, name.epoch);
  auto seconds = static_cast<uint64_t>(std::max<int64_t>(settings_.clk->now_ms() / 1000, 0));
  epoch_ = std::max(last + 1, seconds);
  return write_file_atomically(fs, path, fmt::format("{}\n", epoch_));
}

void wal_directory::settle_old_runs() {
  // What a replay reads must be durable, and a run that died keeps no reserved space nor half a
  // checkpoint.
  file_system& fs = *settings_.fs;
  if (auto entries = fs.list(path_); entries.ok())
    for (const auto& entry : *entries)
      if (entry.name.ends_with(temporary) && !entry.is_directory)
        fs.remove_file(join_path(path_, entry.name)).ignore();
  auto files = list();
  if (!files.ok())
    return;
  const auto& all = files->files;
  for (size_t i = 0; i < all.size(); ++i) {
    bool last = i + 1 == all.size() || !all[i + 1].same_run(all[i]);
    if (!last || all[i].kind != wal_file_kind::segment)
      continue;
    std::string path = path_of(all[i]);
    status s;
    if (auto content = fs.open_read(path); content.ok())
      s = fs.truncate(path, end_of_frames(**content, (*content)->size()));
    if (auto file = fs.open_append(path); file.ok()) {
      if (s.ok())
        s = (*file)->sync();
      (*file)->close().ignore();
    }
    if (!s.ok())
      log_wal.warn("cannot settle the end of an earlier run: {}", s.to_string());
  }
}

std::string wal_directory::path_of(const wal_file_name& name) const {
  return join_path(path_, name.to_string());
}

wal_file_name wal_directory::name(uint32_t shard, uint32_t number, wal_file_kind kind) const {
  return {epoch_, static_cast<uint16_t>(shard), static_cast<uint16_t>(settings_.shards), number,
          kind};
}

result<wal_directory::listing> wal_directory::list() const {
  TROUPE_ASSIGN(std::vector<dir_entry> entries, settings_.fs->list(path_));
  listing out;
  for (auto& entry : entries) {
    if (auto name = wal_file_name::parse(entry.name); name && !entry.is_directory)
      out.files.push_back(*name);
    else if (entry.name != epoch_file && entry.name != holds_file &&
             !entry.name.ends_with(temporary))
      out.foreign.push_back(entry.name);
  }
  std::sort(out.files.begin(), out.files.end());
  return out;
}

result<segment_header> wal_directory::read_header(const std::string& path) const {
  TROUPE_ASSIGN(auto file, settings_.fs->open_read(path));
  std::string bytes;
  TROUPE_TRY(file->read(0, header_read_bytes, bytes));
  frame f;
  segment_header header;
  if (check_frame(bytes, f) != frame_state::intact || f.header.kind != frame_kind::segment_header ||
      !read_segment_header(f.stored_body, header))
    return {errc::corruption, path + ": damaged header"};
  header.epoch = f.header.epoch;
  header.salt = f.header.salt;
  return header;
}

uint64_t wal_directory::valid_length(const wal_file_name& name) const {
  uint64_t length = settings_.fs->file_size(path_of(name)).value_or(0);
  wal_file_name next = name;
  ++next.number;
  auto header = read_header(path_of(next));
  if (header.ok() && header->previous == name.number)
    length = std::min(length, header->previous_length);
  return length;
}

// --- holds ---

void wal_directory::load_holds() {
  auto text = read_file(*settings_.fs, join_path(path_, holds_file), 1 << 20);
  if (!text.ok())
    return;
  for (auto line : split(*text, '\n')) {
    auto fields = split(line, ' ');
    wal_hold h;
    int broken = 0;
    if (fields.size() != 6 || !valid_hold_name(fields[0]) ||
        !parse_number(fields[1], 10, h.shard) || !parse_number(fields[2], 10, h.position.epoch) ||
        !parse_number(fields[3], 10, h.position.segment) ||
        !parse_number(fields[4], 10, h.limit_bytes) || !parse_number(fields[5], 10, broken)) {
      log_wal.warn("a line of the holds file is damaged and ignored");
      continue;
    }
    h.name = fields[0];
    h.broken = broken != 0;
    holds_[h.name] = h;
  }
}

status wal_directory::store_holds() {
  std::string text;
  for (const auto& [name, h] : holds_)
    text += fmt::format("{} {} {} {} {} {}\n", name, h.shard, h.position.epoch, h.position.segment,
                        h.limit_bytes, h.broken ? 1 : 0);
  return write_file_atomically(*settings_.fs, join_path(path_, holds_file), text);
}

status wal_directory::set_hold(const wal_hold& hold) {
  if (!valid_hold_name(hold.name))
    return {errc::invalid_argument, "bad name of a hold: '" + hold.name + "'"};
  std::lock_guard lock(mutex_);
  auto [it, added] = holds_.try_emplace(hold.name, hold);
  wal_hold& mine = it->second;
  bool moved = added || mine.shard != hold.shard || mine.broken != hold.broken ||
               mine.position.epoch != hold.position.epoch ||
               mine.position.segment != hold.position.segment ||
               mine.limit_bytes != hold.limit_bytes;
  mine = hold;
  return moved ? store_holds() : status();
}

status wal_directory::release_hold(const std::string& name) {
  std::lock_guard lock(mutex_);
  return holds_.erase(name) != 0 ? store_holds() : status();
}

std::vector<wal_hold> wal_directory::holds() const {
  std::lock_guard lock(mutex_);
  std::vector<wal_hold> out;
  for (const auto& [name, h] : holds_)
    out.push_back(h);
  return out;
}

// --- damage ---

void wal_directory::quarantine(const std::string& file, uint64_t offset, std::string_view bytes,
                               std::string_view reason) {
  std::lock_guard lock(mutex_);
  file_system& fs = *settings_.fs;
  std::string dir = join_path(settings_.root, "quarantine");
  std::string base = file.substr(file.rfind('/') + 1);
  std::string path = join_path(dir, fmt::format("{}.{}-{}.bad", base, offset, bytes.size()));
  if (bytes.empty() || fs.exists(path))
    return;
  if (quarantined_bytes_ + bytes.size() > settings_.quarantine_bytes) {
    log_wal.warn("{}: {} damaged bytes at {} not copied: quarantine is full", file, bytes.size(),
                 offset);
    return;
  }
  quarantined_bytes_ += bytes.size();
  status s = fs.create_directories(dir);
  if (s.ok())
    s = write_file_atomically(fs, path, bytes);
  if (s.ok())
    s = note_quarantine(fs, path, settings_.clk->now_ms(),
                        fmt::format("{} at {} of {}", reason, offset, base));
  if (!s.ok())
    log_wal.warn("cannot copy damaged bytes to quarantine: {}", s.to_string());
}

}  // namespace troupe::storage
