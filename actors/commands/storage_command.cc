#include "actors/commands/commands.h"
#include "actors/commands/storage_output.h"
#include "pipeline/api/params.h"
#include "pipeline/client/progress.h"
#include "pipeline/transfer/openmetrics_source.h"
#include "pipeline/transfer/openmetrics_writer.h"
#include "query/parser/parser.h"
#include "storage/base/civil_time.h"
#include "storage/base/clock.h"
#include "storage/base/random.h"
#include "storage/offline/analysis.h"
#include "storage/offline/folder_check.h"
#include "storage/offline/importer.h"
#include "storage/offline/tsdb_export.h"
#include "storage/offline/tsdb_source.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <utility>

namespace troupe::actors {

namespace {

using config::storage_command;

constexpr size_t buffer_bytes = 1u << 20;
constexpr int64_t default_retention_ms = storage::options().retention_ms;

/// A folder that goes with it.
class temporary_folder {
 public:
  static result<temporary_folder> make(file_system& fs, std::string path) {
    TROUPE_TRY(fs.remove_all(path));
    TROUPE_TRY(fs.create_directories(path));
    return temporary_folder(fs, std::move(path));
  }
  temporary_folder(temporary_folder&& o) noexcept : fs_(o.fs_), path_(std::exchange(o.path_, {})) {}
  temporary_folder& operator=(temporary_folder&&) = delete;
  ~temporary_folder() {
    if (!path_.empty())
      fs_.remove_all(path_).ignore();
  }
  const std::string& path() const { return path_; }

 private:
  temporary_folder(file_system& fs, std::string path) : fs_(fs), path_(std::move(path)) {}
  file_system& fs_;
  std::string path_;
};

/// One run of a subcommand: what all of them need.
class run {
 public:
  run(const storage_command& c, file_system& fs, std::ostream& out, std::ostream& err)
      : c_(c),
        fs_(fs),
        out_(out),
        err_(err),
        terminal_(isatty(STDERR_FILENO) != 0 ? &err : nullptr) {}

  /// The exit code.
  result<int> go() {
    TROUPE_ASSIGN(filter_, read_filter());
    switch (c_.what) {
      case storage_command::kind::analyze:
        return analyze();
      case storage_command::kind::verify:
        return verify();
      case storage_command::kind::dump:
        return dump();
      case storage_command::kind::import_tsdb:
        return import_tsdb();
      case storage_command::kind::import_openmetrics:
        return import_openmetrics();
      case storage_command::kind::export_tsdb:
        return export_tsdb();
      case storage_command::kind::export_openmetrics:
        return export_openmetrics();
    }
    return 1;
  }

 private:
  result<storage::sample_filter> read_filter() const {
    storage::sample_filter f;
    for (const auto& text : c_.matches) {
      auto ms = query::parse_metric_selector(text);
      if (!ms.ok())
        return ms.error().with_context("--match");
      f.selectors.push_back(std::move(*ms));
    }
    if (!c_.start.empty()) {
      auto t = api::parse_time(c_.start);
      if (!t.ok())
        return t.error().with_context("--start");
      f.mint = *t;
    }
    if (!c_.end.empty()) {
      auto t = api::parse_time(c_.end);
      if (!t.ok())
        return t.error().with_context("--end");
      f.maxt = *t;
    }
    return f;
  }

  // What a folder in use means for a person.
  status explain(const status& failed) const {
    return failed.code() == errc::already_exists
               ? status(errc::already_exists,
                        c_.dir + " is in use by a running troupe: stop it first (" +
                            std::string(failed.message()) + ")")
               : failed;
  }

  int print(std::ostream& to) {
    figures_.add("seconds", static_cast<double>(clock_.monotonic_ns() - begin_) / 1e9);
    to << (c_.json ? figures_.json() + "\n" : figures_.text());
    return code_;
  }

  void warn(const std::vector<std::string>& warnings) {
    for (const auto& w : warnings)
      err_ << "warning: " << w << "\n";
    code_ = warnings.empty() ? code_ : 1;
  }

  result<int> analyze() {
    client::progress shown(terminal_, clock_, "series");
    TROUPE_ASSIGN(const auto a,
                  storage::analyze_folder(fs_, c_.dir, c_.block, c_.limit,
                                          [&](uint64_t n, uint64_t of) { shown.update(n, of); }));
    out_ << (c_.json ? as_figures(a).json() + "\n" : as_text(a));
    return a.refused.empty() && a.unreadable_series == 0 ? 0 : 1;
  }

  result<int> verify() {
    auto checked = [&] {
      client::progress shown(terminal_, clock_, "bytes");
      return storage::check_folder(fs_, c_.dir,
                                   [&](uint64_t n, uint64_t of) { shown.update(n, of); });
    }();
    if (!checked.ok())
      return explain(checked.error());
    out_ << (c_.json ? as_figures(*checked).json() + "\n" : as_text(*checked));
    return checked->damages == 0 ? 0 : 1;
  }

  result<std::unique_ptr<storage::importer>> open_importer() {
    storage::import_settings s;
    s.dir = c_.dir;
    s.tenant = c_.tenant;
    s.filter = filter_;
    s.min_block_ms = c_.min_block_ms;
    s.dry_run = c_.dry_run;
    auto out = storage::importer::open(fs_, clock_, entropy_seed(), std::move(s));
    return out.ok() ? std::move(out)
                    : result<std::unique_ptr<storage::importer>>(explain(out.error()));
  }

  result<int> import_tsdb() {
    TROUPE_ASSIGN(const auto to, open_importer());
    TROUPE_ASSIGN(const auto from, storage::tsdb::open_folder(fs_, c_.path));
    if (from.head_bytes > 0)
      err_ << fmt::format(
          "warning: {} has {:.1f} MB of log and head, samples that are in no block yet: they are "
          "not imported. Take a snapshot (POST /api/v1/admin/tsdb/snapshot) and import that.\n",
          c_.path, static_cast<double>(from.head_bytes) / 1e6);
    uint64_t expected = 0;
    for (const auto& b : from.blocks)
      expected += b->about().samples;
    return run_import(*to, storage::tsdb_source(from), expected);
  }

  result<int> import_openmetrics() {
    TROUPE_ASSIGN(const auto to, open_importer());
    TROUPE_ASSIGN(const temporary_folder work, temporary_folder::make(fs_, work_dir()));
    transfer::openmetrics_source::settings s;
    s.path = c_.path;
    s.work_dir = join_path(work.path(), "ranges");
    s.range_ms = c_.min_block_ms;
    if (c_.path == "-") {
      s.path = join_path(work.path(), "input");
      TROUPE_TRY(copy_input(s.path));
    }
    std::unique_ptr<transfer::openmetrics_source> text;
    {
      client::progress shown(terminal_, clock_, "bytes read");
      TROUPE_ASSIGN(text, transfer::openmetrics_source::read(
                              fs_, s, [&](uint64_t n, uint64_t of) { shown.update(n, of); }));
    }
    figures_.add("exemplars_passed_over", text->exemplars());
    storage::import_source source;
    source.identity = text->identity();
    source.in_memory = true;
    for (const auto& [min, max] : text->extents())
      source.extents.push_back({min, max});
    source.open = [&](timestamp_ms mint, timestamp_ms maxt) { return text->open(mint, maxt); };
    return run_import(*to, source, text->samples());
  }

  // In the data folder, where there is room for what comes, but not if nothing may be written.
  std::string work_dir() const {
    if (!c_.dry_run)
      return join_path(c_.dir, "import.tmp");
    const char* tmp = std::getenv("TMPDIR");
    return fmt::format("{}/troupe-import-{}", tmp != nullptr ? tmp : "/tmp", getpid());
  }

  status copy_input(const std::string& path) {
    TROUPE_ASSIGN(const auto file, fs_.create(path));
    std::string piece(buffer_bytes, '\0');
    while (std::cin.read(piece.data(), static_cast<std::streamsize>(piece.size())) ||
           std::cin.gcount() > 0)
      TROUPE_TRY(file->append({piece.data(), static_cast<size_t>(std::cin.gcount())}));
    return file->close();
  }

  result<int> run_import(storage::importer& to, const storage::import_source& source,
                         uint64_t expected) {
    storage::import_report r;
    {
      client::progress shown(terminal_, clock_, "samples");
      TROUPE_ASSIGN(r, to.run(source, [&](uint64_t n) { shown.update(n, expected); }));
    }
    figures_.add("samples_read", r.samples.read);
    figures_.add("histograms_read", r.samples.histograms);
    figures_.add("samples_there_already", r.samples.known);
    figures_.add(c_.dry_run ? "samples_to_store" : "samples_stored",
                 r.samples.read - r.samples.known);
    figures_.add("ranges", r.ranges);
    figures_.add("ranges_done_before", r.ranges_resumed);
    if (!c_.dry_run) {
      figures_.add("blocks_written", r.blocks);
      figures_.add("block_bytes", r.block_bytes);
    }
    if (r.ranges + r.ranges_resumed > 0)
      figures_.add("oldest", format_rfc3339(r.oldest));
    if (r.blocks > 0 && clock_.now_ms() - r.oldest > default_retention_ms)
      err_ << fmt::format(
          "note: samples from {} on are older than the default retention of 15d; start troupe "
          "with a longer --storage.tsdb.retention.time or they are removed.\n",
          format_rfc3339(r.oldest));
    return print(out_);
  }

  result<std::unique_ptr<storage::offline_store>> open_store() {
    auto out = storage::offline_store::open(fs_, clock_, entropy_seed(), c_.dir);
    return out.ok() ? std::move(out)
                    : result<std::unique_ptr<storage::offline_store>>(explain(out.error()));
  }

  result<int> export_tsdb() {
    TROUPE_ASSIGN(const auto from, open_store());
    seeded_random random(entropy_seed());
    storage::export_report r;
    {
      client::progress shown(terminal_, clock_, "samples");
      TROUPE_ASSIGN(r, storage::export_tsdb(fs_, clock_, random, *from, c_.tenant, filter_, c_.path,
                                            [&](uint64_t n) { shown.update(n, 0); }));
    }
    warn(r.warnings);
    figures_.add("samples_written", r.samples);
    figures_.add("histograms_written", r.histograms);
    figures_.add("blocks_written", r.blocks);
    figures_.add("ranges_done_before", r.ranges_resumed);
    return print(out_);
  }

  result<int> dump() {
    TROUPE_ASSIGN(const auto from, open_store());
    transfer::openmetrics_writer text(true);
    TROUPE_TRY(write_text(*from, text, [&](std::string_view piece) {
      out_ << piece;
      return out_.good() ? status() : status(errc::io_error, "standard output: cannot write");
    }));
    if (text.stale_markers() > 0)
      err_ << text.stale_markers() << " stale markers left out\n";
    return code_;
  }

  result<int> export_openmetrics() {
    TROUPE_ASSIGN(const auto from, open_store());
    transfer::openmetrics_writer text(false);
    const bool to_file = !c_.path.empty() && c_.path != "-";
    const std::string tmp = c_.path + ".tmp";
    std::unique_ptr<writable_file> file;
    if (to_file) {
      TROUPE_ASSIGN(file, fs_.create(tmp));
    }
    status failed = write_text(*from, text, [&](std::string_view piece) {
      if (file)
        return file->append(piece);
      out_ << piece;
      return out_.good() ? status() : status(errc::io_error, "standard output: cannot write");
    });
    if (file && failed.ok())
      failed = file->sync();
    if (file && failed.ok())
      failed = fs_.rename(tmp, c_.path);
    if (!failed.ok()) {
      if (file)
        fs_.remove_file(tmp).ignore();
      return failed;
    }
    figures_.add("samples_written", text.samples());
    figures_.add("stale_markers_left_out", text.stale_markers());
    figures_.add("histograms_left_out", text.histograms());
    return print(to_file ? out_ : err_);
  }

  template <class Write>
  status write_text(const storage::offline_store& from, transfer::openmetrics_writer& text,
                    const Write& write) {
    std::vector<matchers> selectors = filter_.selectors;
    if (selectors.empty())
      selectors.emplace_back();
    TROUPE_ASSIGN(auto found,
                  from.reader().exemplars(c_.tenant, filter_.mint, filter_.maxt, selectors));
    std::map<labels, std::vector<exemplar>> exemplars;
    for (auto& e : found)
      exemplars[e.series] = std::move(e.exemplars);
    std::vector<std::string> warnings;
    TROUPE_ASSIGN(auto set, from.select(c_.tenant, filter_, filter_.mint, filter_.maxt, warnings));
    client::progress shown(terminal_, clock_, "samples");
    storage::sample_columns columns;
    std::string piece;
    while (set->next()) {
      columns.clear();
      TROUPE_TRY(set->read(filter_.mint, filter_.maxt, columns));
      const auto at = exemplars.find(set->series());
      text.add(piece, set->series(), columns,
               at != exemplars.end() ? std::span<const exemplar>(at->second)
                                     : std::span<const exemplar>());
      if (piece.size() < buffer_bytes)
        continue;
      TROUPE_TRY(write(piece));
      piece.clear();
      shown.update(text.samples(), 0);
    }
    TROUPE_TRY(set->error());
    set.reset();
    warn(warnings);
    text.finish(piece);
    return write(piece);
  }

  const storage_command& c_;
  file_system& fs_;
  std::ostream& out_;
  std::ostream& err_;
  std::ostream* const terminal_;
  system_clock clock_;
  storage::sample_filter filter_;
  figures figures_;
  const int64_t begin_ = clock_.monotonic_ns();
  int code_ = 0;
};

}  // namespace

int run_storage(const config::storage_command& c, file_system& fs, std::ostream& out,
                std::ostream& err) {
  auto code = run(c, fs, out, err).go();
  if (!code.ok()) {
    err << "error: " << code.error().message() << "\n";
    return 1;
  }
  return *code;
}

}  // namespace troupe::actors
