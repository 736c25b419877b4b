#include "storage/offline/folder_check.h"

#include "storage/block/block_check.h"
#include "storage/data_folder.h"
#include "storage/head/chunk_file.h"
#include "storage/head/snapshot_file.h"
#include "storage/offline/block_list.h"
#include "storage/wal/segment_header.h"
#include "storage/wal/segment_scanner.h"
#include "storage/wal/wal_file_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>

namespace troupe::storage {
namespace {

constexpr uint64_t step_bytes = 16u << 20;

class check_run {
 public:
  check_run(file_system& fs, std::string dir,
            const std::function<void(uint64_t, uint64_t)>& on_progress)
      : fs_(fs), dir_(std::move(dir)), on_progress_(on_progress) {}

  result<check_report> go() {
    if (!fs_.exists(join_path(dir_, "troupe.meta")))
      return {errc::not_found, dir_ + ": no data folder of troupe"};
    options opts;
    opts.dir = dir_;
    auto lock = open_data_folder(fs_, opts);
    if (lock.code() == errc::corruption)
      report_.add({join_path(dir_, "troupe.meta"), std::string(lock.error().message()), 0, 0});
    else if (!lock.ok())
      return lock.error();
    total_ = size_of("blocks") + size_of("wal") + size_of("head_chunks");
    TROUPE_TRY(check_blocks());
    TROUPE_TRY(check_log());
    TROUPE_TRY(check_head_files());
    report_.quarantined = list_quarantine(fs_, join_path(dir_, "quarantine")).size();
    return std::move(report_);
  }

 private:
  uint64_t size_of(const char* part) const {
    return fs_.tree_size(join_path(dir_, part)).value_or(0);
  }
  void progress(uint64_t bytes) {
    if (on_progress_)
      on_progress_(done_ + bytes, std::max(total_, done_ + bytes));
  }

  status check_blocks() {
    TROUPE_ASSIGN(auto list, list_blocks(fs_, dir_));
    for (auto& place : list.refused)
      report_.add(std::move(place));
    report_.blocks = list.blocks.size() + list.refused.size();
    for (const auto& block : list.blocks) {
      report_.block_bytes += block->bytes();
      block_check check(block);
      while (!check.step(step_bytes))
        progress(check.bytes_done());
      for (const auto& place : check.places())
        report_.add(place);
      report_.damages += check.damages() - check.places().size();
      done_ += block->bytes();
    }
    return {};
  }

  struct log_file {
    wal_file_name name;
    std::string path;
    uint64_t size = 0;
    std::optional<segment_header> header;
  };

  // The entries of a folder that may be missing.
  result<std::vector<dir_entry>> entries_of(const char* part) {
    auto entries = fs_.list(join_path(dir_, part));
    return entries.code() == errc::not_found ? std::vector<dir_entry>() : entries;
  }

  status check_log() {
    TROUPE_ASSIGN(const auto entries, entries_of("wal"));
    std::vector<log_file> files;
    for (const auto& e : entries) {
      const auto name = wal_file_name::parse(e.name);
      if (!name)
        continue;  // the epoch and the holds are checked when they are read
      log_file f{*name, join_path(join_path(dir_, "wal"), e.name), 0, std::nullopt};
      TROUPE_ASSIGN(f.size, fs_.file_size(f.path));
      f.header = read_header(f);
      files.push_back(std::move(f));
    }
    std::sort(files.begin(), files.end(), [](const log_file& a, const log_file& b) {
      return std::tuple(a.name.epoch, a.name.shard, a.name.shards, a.name.kind, a.name.number) <
             std::tuple(b.name.epoch, b.name.shard, b.name.shards, b.name.kind, b.name.number);
    });
    for (size_t i = 0; i < files.size(); ++i) {
      const log_file* next = i + 1 < files.size() && files[i + 1].name.same_run(files[i].name) &&
                                     files[i + 1].name.kind == files[i].name.kind
                                 ? &files[i + 1]
                                 : nullptr;
      check_log_file(files[i], next);
    }
    return {};
  }

  std::optional<segment_header> read_header(const log_file& f) {
    segment_header header;
    auto scanner = segment_scanner::open(fs_, f.path, f.size, true);
    std::string scratch;
    if (!scanner.ok() || (*scanner)->next() != segment_scanner::outcome::frame ||
        (*scanner)->current().header.kind != frame_kind::segment_header ||
        !read_segment_header((*scanner)->current().stored_body, header))
      return std::nullopt;
    return header;
  }

  void check_log_file(const log_file& f, const log_file* next) {
    ++report_.log_files;
    report_.log_bytes += f.size;
    uint64_t length = f.size;
    if (next != nullptr && f.name.kind == wal_file_kind::segment) {
      if (next->name.number != f.name.number + 1)
        report_.add({next->path,
                     fmt::format("segment {} is missing before it", next->name.number - 1), 0, 0});
      else if (next->header && next->header->previous == f.name.number)
        length = std::min(length, next->header->previous_length);
    }
    if (f.size > 0 && !f.header && next != nullptr)
      report_.add({f.path, "its first frame is not a header", 0, 0});
    auto scanner = segment_scanner::open(fs_, f.path, length, next == nullptr);
    if (!scanner.ok()) {
      report_.add({f.path, std::string(scanner.error().message()), 0, f.size});
      return;
    }
    scan(**scanner);
    done_ += f.size;
  }

  void scan(segment_scanner& in) {
    std::string scratch;
    uint64_t reported = 0;
    while (true) {
      const uint64_t at = in.position();
      const auto what = in.next();
      if (what == segment_scanner::outcome::end)
        break;
      if (what == segment_scanner::outcome::damage) {
        if (in.damage().reason == wal_loss::torn_tail)
          ++report_.torn_tails;
        else
          report_.add({in.path(), std::string(to_string(in.damage().reason)), in.damage().offset,
                       in.damage().bytes});
        continue;
      }
      ++report_.log_frames;
      if (auto body = frame_body(in.current(), scratch); !body.ok())
        report_.add({in.path(), std::string(body.error().message()), at, in.current().length});
      if (in.position() - reported >= step_bytes) {
        reported = in.position();
        progress(reported);
      }
    }
    if (in.unreadable_bytes() != 0)
      report_.add({in.path(), "cannot be read", 0, in.unreadable_bytes()});
  }

  status check_head_file(const std::string& path) {
    if (path.ends_with(".tmp"))  // a snapshot that was not finished
      return {};
    return path.ends_with(snapshot_suffix) ? snapshot_reader::open(fs_, path).error()
                                           : check_chunk_file(fs_, path);
  }

  status check_head_files() {
    TROUPE_ASSIGN(const auto entries, entries_of("head_chunks"));
    for (const auto& e : entries) {
      const std::string path = join_path(join_path(dir_, "head_chunks"), e.name);
      const uint64_t size = fs_.file_size(path).value_or(0);
      ++report_.head_files;
      report_.head_bytes += size;
      if (status s = check_head_file(path); !s.ok())
        report_.add(
            {path, std::string(s.message()) + " (a cache: the log has the samples)", 0, size});
      done_ += size;
      progress(0);
    }
    return {};
  }

  file_system& fs_;
  const std::string dir_;
  const std::function<void(uint64_t, uint64_t)>& on_progress_;
  uint64_t done_ = 0, total_ = 0;
  check_report report_;
};

}  // namespace

void check_report::add(damaged_place place) {
  ++damages;
  if (places.size() < max_places)
    places.push_back(std::move(place));
}

result<check_report> check_folder(file_system& fs, const std::string& dir,
                                  const std::function<void(uint64_t, uint64_t)>& on_progress) {
  return check_run(fs, dir, on_progress).go();
}

}  // namespace troupe::storage
