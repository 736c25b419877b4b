#include "pipeline/push/push_store.h"

#include "pipeline/parse/exposition_text.h"
#include "storage/base/coding.h"
#include "storage/base/hash.h"
#include "storage/base/quote.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace troupe::push {
namespace {

constexpr std::string_view magic = "TRPUSH02";
/// Without the times of families: each is its group's.
constexpr std::string_view first_magic = "TRPUSH01";
constexpr std::string_view suffix = ".push";

// A file: magic, labels, times, families, CRC-32C of all before it.

std::string encode(const grouping& group, const std::map<std::string, pushed_family>& families,
                   int64_t pushed_ms, int64_t failed_ms) {
  std::string out(magic);
  put_varint(out, group.size());
  for (const auto& [name, value] : group) {
    put_bytes(out, name);
    put_bytes(out, value);
  }
  put_svarint(out, pushed_ms);
  put_svarint(out, failed_ms);
  put_varint(out, families.size());
  for (const auto& [name, f] : families) {
    put_bytes(out, name);
    put_bytes(out, f.help);
    put_u8(out, static_cast<uint8_t>(f.type));
    put_svarint(out, f.pushed_ms);
    put_varint(out, f.series.size());
    for (const auto& s : f.series) {
      put_bytes(out, s.text);
      put_fixed(out, s.value);
    }
  }
  put_u32(out, crc32c(out));
  return out;
}

std::string_view type_text(metric_type t) {
  return t == metric_type::unknown ? "untyped" : to_string(t);
}

void append_line(std::string& out, std::string_view series, double value) {
  out += series;
  out += ' ';
  parse::append_value(out, value);
  out += '\n';
}

struct time_family {
  std::string_view name, help;
  int64_t pushed_group::*at;
};
constexpr time_family time_families[] = {
    {push_time_name, "Last Unix time when changing this group in the Pushgateway succeeded.",
     &pushed_group::pushed_ms},
    {push_failure_time_name, "Last Unix time when changing this group in the Pushgateway failed.",
     &pushed_group::failed_ms},
};

std::string series_of_group(std::string_view name, const grouping& group) {
  labels_builder b;
  b.set(metric_name_label, name);
  return series_text(b, group);
}

}  // namespace

size_t pushed_group::bytes() const {
  size_t n = sizeof *this;
  for (const auto& [name, f] : families)
    n += name.size() + f.bytes();
  return n;
}

result<std::unique_ptr<push_store>> push_store::open(file_system& fs, push_store_options options,
                                                     std::vector<std::string>& unread) {
  std::unique_ptr<push_store> out(new push_store(fs, std::move(options)));
  TROUPE_TRY(fs.create_directories(out->options_.dir));
  TROUPE_ASSIGN(const auto names, fs.list(out->options_.dir));
  for (const auto& entry : names) {
    if (!entry.name.ends_with(suffix))
      continue;
    const auto path = join_path(out->options_.dir, entry.name);
    if (const auto s = out->load(path); !s.ok())
      unread.push_back(path + ": " + std::string(s.message()));
  }
  return out;
}

status push_store::load(const std::string& path) {
  const auto content = read_file(fs_, path, options_.max_bytes);
  if (!content.ok())
    return content.error();
  const std::string_view all = *content;
  const size_t body = all.size() - std::min(all.size(), sizeof(uint32_t));
  const bool timed = all.starts_with(magic);
  if ((!timed && !all.starts_with(first_magic)) || body < magic.size() ||
      byte_reader(all.substr(body)).u32() != crc32c(all.substr(0, body)))
    return {errc::corruption, "damaged, or of a newer version"};
  byte_reader in(all.substr(magic.size(), body - magic.size()));
  grouping group;
  for (uint64_t n = in.varint(); n > 0 && !in.failed(); --n) {
    std::string name(in.bytes());
    group.emplace_back(std::move(name), in.bytes());
  }
  pushed_group g;
  g.pushed_ms = in.svarint();
  g.failed_ms = in.svarint();
  for (uint64_t n = in.varint(); n > 0 && !in.failed(); --n) {
    pushed_family f;
    f.name = in.bytes();
    f.help = in.bytes();
    f.type =
        static_cast<metric_type>(std::min(in.u8(), static_cast<uint8_t>(metric_type::stateset)));
    f.pushed_ms = timed ? in.svarint() : g.pushed_ms;
    for (uint64_t s = in.varint(); s > 0 && !in.failed(); --s) {
      pushed_series one;
      one.text = in.bytes();
      one.value = in.fixed<double>();
      f.series.push_back(std::move(one));
    }
    g.families.insert_or_assign(f.name, std::move(f));
  }
  if (in.failed() || !in.at_end())
    return {errc::corruption, "damaged"};
  enter(group, std::move(g));
  return {};
}

void push_store::enter(const grouping& group, pushed_group g) {
  bytes_ += g.bytes();
  for (const auto& [name, f] : g.families) {
    auto& use = families_[name];
    use.type = f.type;
    ++use.groups;
  }
  all_.emplace(group, std::move(g));
}

void push_store::leave(std::map<grouping, pushed_group>::iterator at) {
  bytes_ -= at->second.bytes();
  for (const auto& [name, f] : at->second.families)
    if (const auto use = families_.find(name); --use->second.groups == 0)
      families_.erase(use);
  all_.erase(at);
}

std::string push_store::path_of(const grouping& group) const {
  std::string key;
  for (const auto& [name, value] : group) {
    put_bytes(key, name);
    put_bytes(key, value);
  }
  const auto h = xxh3(key);
  return join_path(options_.dir, fmt::format("{:016x}{:016x}{}", h, xxh3(key, h), suffix));
}

status push_store::save(const grouping& group, const pushed_group& g) const {
  return write_file_atomically(fs_, path_of(group),
                               encode(group, g.families, g.pushed_ms, g.failed_ms));
}

status push_store::check(const grouping& group, const pushed_group& next, size_t bytes) const {
  const auto own = all_.find(group);
  if (bytes > options_.max_bytes || (own == all_.end() && all_.size() >= options_.max_groups))
    return {errc::resource_exhausted,
            fmt::format("{} groups of {} bytes are pushed already", all_.size(), bytes_)};
  for (const auto& [name, f] : next.families) {
    const auto use = families_.find(name);
    if (use == families_.end() || use->second.type == f.type)
      continue;
    const bool alone =
        use->second.groups == 1 && own != all_.end() && own->second.families.contains(name);
    if (!alone)
      return {errc::invalid_argument,
              fmt::format("pushed metrics are inconsistent with existing ones: metric family {} is "
                          "{} here and {} in another group",
                          quoted(name), type_text(f.type), type_text(use->second.type))};
  }
  return {};
}

status push_store::push(const grouping& group, std::vector<pushed_family> families, bool replace,
                        int64_t now_ms) {
  const std::lock_guard guard(writing_);
  const auto found = all_.find(group);
  const size_t before = found == all_.end() ? 0 : found->second.bytes();
  pushed_group next = found == all_.end() ? pushed_group() : found->second;
  if (replace)
    next.families.clear();
  for (auto& f : families) {
    f.pushed_ms = now_ms;
    auto name = f.name;
    next.families.insert_or_assign(std::move(name), std::move(f));
  }
  next.pushed_ms = now_ms;
  const size_t bytes = bytes_ - before + next.bytes();
  auto s = check(group, next, bytes);
  if (s.ok())
    s = save(group, next);
  if (!s.ok()) {
    set_failed(group, now_ms);
    return s;
  }
  const std::lock_guard seen(lock_);  // a scrape has the old group or the new one
  if (found != all_.end())
    leave(found);
  enter(group, std::move(next));
  return {};
}

void push_store::note_failure(const grouping& group, int64_t now_ms) {
  const std::lock_guard guard(writing_);
  set_failed(group, now_ms);
}

void push_store::set_failed(const grouping& group, int64_t now_ms) {
  auto found = all_.find(group);
  {
    const std::lock_guard seen(lock_);
    if (found == all_.end()) {
      if (all_.size() >= options_.max_groups)
        return;
      enter(group, {});
      found = all_.find(group);
    }
    found->second.failed_ms = now_ms;
  }
  // The push failed already: a disk that does not take this either changes nothing.
  (void)save(group, found->second);
}

status push_store::remove(const grouping& group) {
  const std::lock_guard guard(writing_);
  const auto found = all_.find(group);
  if (found == all_.end())
    return {};
  TROUPE_TRY(fs_.remove_file(path_of(group)));
  {
    const std::lock_guard seen(lock_);
    leave(found);
  }
  return fs_.sync_directory(options_.dir);
}

status push_store::wipe() {
  const std::lock_guard guard(writing_);
  while (!all_.empty()) {
    TROUPE_TRY(fs_.remove_file(path_of(all_.begin()->first)));
    const std::lock_guard seen(lock_);
    leave(all_.begin());
  }
  return fs_.sync_directory(options_.dir);
}

std::string push_store::exposition() const {
  const std::lock_guard guard(lock_);
  std::map<std::string_view, std::vector<const pushed_family*>> by_name;
  for (const auto& [group, g] : all_)
    for (const auto& [name, f] : g.families)
      by_name[name].push_back(&f);
  std::string out;
  for (const auto& [name, families] : by_name) {
    std::string written;
    parse::append_name(written, name, true);
    const auto described = std::find_if(families.begin(), families.end(),
                                        [](const auto* f) { return !f->help.empty(); });
    if (described != families.end()) {
      out += "# HELP " + written + " ";
      append_escaped_help(out, (*described)->help);
      out += '\n';
    }
    out += "# TYPE " + written + " " + std::string(type_text(families.front()->type)) + "\n";
    for (const auto* f : families)
      for (const auto& s : f->series)
        append_line(out, s.text, s.value);
  }
  for (const auto& t : time_families) {
    if (all_.empty())
      break;
    out += fmt::format("# HELP {} {}\n# TYPE {} gauge\n", t.name, t.help, t.name);
    for (const auto& [group, g] : all_)
      append_line(out, series_of_group(t.name, group), static_cast<double>(g.*t.at) / 1000);
  }
  return out;
}

void push_store::visit(
    const std::function<void(const grouping&, const pushed_group&)>& visitor) const {
  const std::lock_guard guard(lock_);
  for (const auto& [group, g] : all_)
    visitor(group, g);
}

std::vector<pushed_family> time_families_of(const grouping& group, const pushed_group& g) {
  std::vector<pushed_family> out;
  for (const auto& t : time_families) {
    const int64_t at = g.*t.at;
    out.push_back({std::string(t.name),
                   std::string(t.help),
                   metric_type::gauge,
                   std::max(g.pushed_ms, g.failed_ms),
                   {{series_of_group(t.name, group), static_cast<double>(at) / 1000}}});
  }
  return out;
}

size_t push_store::groups() const {
  const std::lock_guard guard(lock_);
  return all_.size();
}

}  // namespace troupe::push
