#include "pipeline/scrape/body_reader.h"

#include "pipeline/parse/openmetrics_parser.h"
#include "pipeline/parse/text_parser.h"
#include "pipeline/scrape/metadata_block.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <set>

namespace troupe::scrape {
namespace {

using parse::entry;

constexpr size_t look_ahead = 4;
constexpr size_t max_exemplar_runes = 128;  // OpenMetrics 1.0: names and values together

size_t rune_count(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

// The series text at the start of a sample line without checking it; empty if it has no end.
std::string_view guess_series_text(const char* p, const char* end) {
  const char* q = p;
  while (q != end && *q != '{' && *q != ' ' && *q != '\t' && *q != '\n')
    ++q;
  if (q == end || *q != '{')
    return {p, static_cast<size_t>(q - p)};
  for (++q; q != end; ++q) {
    if (*q == '}')
      return {p, static_cast<size_t>(q + 1 - p)};
    if (*q != '"')
      continue;
    q = parse::skip_quoted(q, end, true);
    if (q == nullptr)
      return {};
    --q;
  }
  return {};
}

uint64_t metadata_hash(const metadata_entry& m) {
  const uint64_t family = xxh3(m.family, static_cast<uint64_t>(m.value.type));
  return xxh3(m.value.help, xxh3(m.value.unit, family));
}

uint32_t hash_line_ref(entry kind, metric_type type) {
  switch (kind) {
    case entry::type:
      return hash_line::of(type);
    case entry::help:
      return hash_line::help;
    case entry::unit:
      return hash_line::unit;
    default:
      return hash_line::comment;
  }
}
entry hash_line_kind(uint32_t ref) {
  if (hash_line::is_type(ref))
    return entry::type;
  return ref == hash_line::help   ? entry::help
         : ref == hash_line::unit ? entry::unit
                                  : entry::comment;
}

template <class Parser>
class body_reader {
 public:
  body_reader(const body_request& request, const job_rules& job, const labels& target_labels,
              target_memory& memory, scrape_scratch& scratch, write_batch& out, body_counts& counts)
      : p_(request.body),
        request_(request),
        config_(*job.config),
        job_(job),
        target_labels_(target_labels),
        memory_(memory),
        scratch_(scratch),
        out_(out),
        counts_(counts),
        known_series_(memory.series.size()) {}

  status run() {
    const size_t created_before = memory_.created.size();
    const size_t keys_before = memory_.start_keys.size();
    const bool had_created = memory_.has_created;
    status s = read_lines();
    if (s.ok() && counts_.sample_limit_hit)
      s = status(errc::resource_exhausted, "sample limit exceeded");
    if (!s.ok()) {
      memory_.series.rollback();
      memory_.created.resize(created_before);
      memory_.start_keys.resize(keys_before);
      memory_.has_created = had_created;
      for (const auto h : sent_now_)
        scratch_.sent_metadata.erase(h);
      return s;
    }
    add_starts();
    if (request_.zero_at_start)
      add_zeros();
    memory_.last_body_ms = request_.time;
    keep_lines();
    if (!memory_.has_created)
      memory_.start_keys = std::vector<uint64_t>();
    else if (!had_created && counts_.known_lines != 0)
      memory_.forget_lines();  // the known lines have no start keys: read them anew
    return {};
  }

 private:
  static constexpr bool is_openmetrics = Parser::format == parse::exposition_format::openmetrics;

  status read_lines() {
    while (true) {
      p_.skip_blanks();
      if (read_known())
        continue;
      switch (const auto kind = p_.next()) {
        case entry::end:
          send_metadata();
          return {};
        case entry::error:
          return {errc::invalid_argument, p_.error()};
        case entry::series:
          TROUPE_TRY(read_new_series());
          break;
        default:
          read_new_hash_line(kind);
      }
    }
  }

  // --- known lines ---

  std::string_view here(size_t length) const { return {p_.position(), length}; }
  size_t remaining() const { return static_cast<size_t>(p_.end() - p_.position()); }
  bool at_hash_line() const { return *p_.position() == '#'; }
  metric_type context() const { return at_hash_line() ? metric_type::unknown : p_.type(); }

  bool fits(size_t line) const {
    if (line >= memory_.lines.size())
      return false;
    const auto& e = memory_.lines[line];
    return e.length() <= remaining() &&
           e.matches(here(e.length()), context(), scratch_.line_secret);
  }

  bool read_known() {
    matched_ = nullptr;
    if (p_.position() == p_.end())
      return false;
    size_t line = cursor_;
    if (!fits(line)) {
      const auto found = find_elsewhere();
      if (!found)
        return false;
      line = *found;
    }
    const line_entry e = memory_.lines[line];
    if (at_hash_line()) {
      pass_hash_line(e);
    } else if (p_.take_known(e.length())) {
      accept(e.ref, false);
    } else {
      matched_ = &memory_.lines[line];
      return false;
    }
    ++counts_.known_lines;
    step_to(line, e);
    return true;
  }

  // Bookkeeping for a line that is known from position `line`.
  void step_to(size_t line, const line_entry& e) {
    if (line != cursor_)
      diverge();
    cursor_ = line + 1;
    if (diverged_)
      scratch_.next_lines.push_back(e);
  }

  // From here on the lines are not as before: their new order is written down.
  void diverge() {
    if (diverged_)
      return;
    diverged_ = true;
    scratch_.next_lines.assign(memory_.lines.begin(),
                               memory_.lines.begin() + static_cast<ptrdiff_t>(cursor_));
  }

  std::optional<size_t> find_elsewhere() {
    for (size_t k = 1; k < look_ahead; ++k)
      if (fits(cursor_ + k))
        return cursor_ + k;
    std::string_view text;
    if (at_hash_line()) {
      const char* eol = std::find(p_.position(), p_.end(), '\n');
      text = here(static_cast<size_t>(eol - p_.position()) + (eol != p_.end() ? 1 : 0));
    } else {
      text = guess_series_text(p_.position(), p_.end());
    }
    if (text.empty() || text.size() > line_entry::max_length || memory_.lines.empty())
      return std::nullopt;
    return look_up(text);
  }

  std::optional<size_t> look_up(std::string_view text) {
    auto& index = scratch_.line_index;
    if (!indexed_) {
      indexed_ = true;
      index.assign(std::bit_ceil(memory_.lines.size() * 2 + 2), 0);
      for (size_t i = 0; i < memory_.lines.size(); ++i) {
        size_t at = memory_.lines[i].hash & (index.size() - 1);
        while (index[at] != 0)
          at = (at + 1) & (index.size() - 1);
        index[at] = static_cast<uint32_t>(i + 1);
      }
    }
    const auto wanted = line_entry::make(text, context(), scratch_.line_secret, 0);
    for (size_t at = wanted.hash & (index.size() - 1); index[at] != 0;
         at = (at + 1) & (index.size() - 1)) {
      const auto& e = memory_.lines[index[at] - 1];
      if (e.hash == wanted.hash && e.length_and_check == wanted.length_and_check)
        return index[at] - 1;
    }
    return std::nullopt;
  }

  void pass_hash_line(const line_entry& e) {
    const auto text = here(e.length());
    const auto kind = hash_line_kind(e.ref);
    if (kind == entry::type)
      p_.skip_known_type(e.length(), hash_line::type_of(e.ref));
    else
      p_.skip_known(e.length());
    note_metadata(kind, text, false);
  }

  // --- new lines ---

  void read_new_hash_line(entry kind) {
    ++counts_.new_lines;
    const auto text = p_.entry_text();
    note_metadata(kind, text, true);
    remember(text, metric_type::unknown, hash_line_ref(kind, p_.type()));
  }

  void remember(std::string_view text, metric_type context, uint32_t ref) {
    diverge();
    if (text.size() <= line_entry::max_length)
      scratch_.next_lines.push_back(line_entry::make(text, context, scratch_.line_secret, ref));
  }

  status read_new_series() {
    // A known text whose tail was not of the plain form.
    if (matched_ != nullptr && matched_->length() == p_.series().size()) {
      const line_entry e = *matched_;
      ++counts_.known_lines;
      accept(e.ref, false);
      step_to(static_cast<size_t>(matched_ - memory_.lines.data()), e);
      return {};
    }
    ++counts_.new_lines;
    if (take_created_line())
      return {};
    auto& b = scratch_.builder;
    scratch_.empty_names.clear();
    TROUPE_TRY(p_.read_labels(b, &scratch_.empty_names));
    auto series = final_labels(job_, target_labels_, scratch_.empty_names, b);
    if (!series.ok()) {
      counts_.label_limit_hit =
          series.error().message().find("_limit exceeded") != std::string::npos;
      ++counts_.scraped;
      return series.error();
    }
    uint32_t ref = line_entry::dropped;
    if (*series)
      ref = memory_.series.find_or_add(**series);
    ref = note_start_key(ref);
    remember(p_.series(), p_.type(), ref);
    accept(ref, true);
    return {};
  }

  // With zeros at start times a `_created` line is but its time.
  bool take_created_line() {
    if constexpr (is_openmetrics) {
      if (!request_.zero_at_start || !p_.is_created() || p_.start_key() == 0)
        return false;
      const uint32_t ref = note_start_key(line_entry::dropped);
      remember(p_.series(), p_.type(), ref);
      accept(ref, true);
      return true;
    }
    return false;
  }

  // Start keys of new series; a `_created` line gets a reference of its own.
  uint32_t note_start_key(uint32_t position) {
    if constexpr (is_openmetrics) {
      const uint64_t key = p_.start_key();
      if (key == 0)
        return position;
      if (p_.is_created()) {
        memory_.has_created = true;
        memory_.created.push_back({key, position});
        return line_entry::created_flag | static_cast<uint32_t>(memory_.created.size() - 1);
      }
      if (position != line_entry::dropped) {
        if (position >= memory_.start_keys.size())
          memory_.start_keys.resize(position + 1);
        memory_.start_keys[position] = key;
      }
    }
    return position;
  }

  // --- samples ---

  void accept(uint32_t ref, bool is_new) {
    block_.close();
    uint32_t position = ref;
    if (ref != line_entry::dropped && (ref & line_entry::created_flag) != 0) {
      const auto& line = memory_.created[ref & ~line_entry::created_flag];
      if (timestamp_ms start = 0; parse::seconds_to_ms(p_.value(), start))
        scratch_.starts.emplace_back(line.key, start);
      if (request_.zero_at_start)
        return;
      position = line.position;
    }
    ++counts_.scraped;
    if (position == line_entry::dropped)
      return;
    ++counts_.post_relabel;
    const bool own_time = p_.has_timestamp() && config_.honor_timestamps;
    const timestamp_ms time = own_time ? p_.timestamp() : request_.time;
    if (is_repeated(position, own_time, time)) {
      ++counts_.duplicates;
      return;
    }
    ++appended_;
    if (config_.limits.samples != 0 && appended_ > config_.limits.samples) {
      counts_.sample_limit_hit = true;
      return;
    }
    if (time > request_.max_time) {
      ++counts_.out_of_bounds;
      return;
    }
    out_.floats.push_back({time, p_.value(), position});
    if (own_times_)
      own_times_->emplace(position, time);
    if (!own_time || config_.track_timestamps_staleness)
      scratch_.tracked.set(position);
    if (is_new && !counts_.sample_limit_hit)
      ++counts_.series_added;
    if (p_.has_exemplar())
      add_exemplar(position, time);
  }

  // Samples without a time of their own are told by their series; the others by series and time.
  bool is_repeated(uint32_t position, bool own_time, timestamp_ms time) {
    const bool seen = scratch_.seen.test_and_set(position);
    if (!own_time && scratch_.seen_plain.test_and_set(position))
      return true;
    if (!seen)
      return false;
    if (!own_times_) {
      own_times_.emplace();
      for (const auto& f : out_.floats)
        own_times_->emplace(f.series, f.ts);
    }
    return own_times_->count({position, time}) != 0;
  }

  void add_exemplar(uint32_t position, timestamp_ms time) {
    const auto& text = p_.exemplar();
    exemplar e{parse::read_exemplar_labels(text.labels), text.value,
               text.has_timestamp ? text.ts : time};
    size_t runes = 0;
    for (const auto& l : e.lset)
      runes += rune_count(l.name) + rune_count(l.value);
    if (runes <= max_exemplar_runes)
      out_.exemplars.push_back({std::move(e), position});
  }

  void add_starts() {
    auto& starts = scratch_.starts;
    if (starts.empty())
      return;
    std::stable_sort(starts.begin(), starts.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (size_t i = 0; i < out_.floats.size(); ++i) {
      const auto& f = out_.floats[i];
      const uint64_t key = f.series < memory_.start_keys.size() ? memory_.start_keys[f.series] : 0;
      if (key == 0)
        continue;
      const auto it = std::lower_bound(starts.begin(), starts.end(), key,
                                       [](const auto& a, uint64_t k) { return a.first < k; });
      if (it != starts.end() && it->first == key && it->second > 0 && it->second <= f.ts)
        out_.starts.push_back({static_cast<uint32_t>(i), it->second});
    }
  }

  // Before the samples, so that they come in order. A start time that lies before what is stored
  // of the series already, or long ago, gives none, as in Prometheus' head.
  void add_zeros() {
    std::vector<float_entry> zeros;
    for (const auto& s : out_.starts) {
      const auto& f = out_.floats[s.index];
      const bool known = f.series < known_series_;
      const timestamp_ms oldest = known ? memory_.last_body_ms + 1 : f.ts - oldest_zero_ms;
      if (s.start_ts < f.ts && s.start_ts >= oldest)
        zeros.push_back({s.start_ts, 0, f.series});
    }
    if (zeros.empty())
      return;
    for (auto& s : out_.starts)
      s.index += static_cast<uint32_t>(zeros.size());
    out_.floats.insert(out_.floats.begin(), zeros.begin(), zeros.end());
  }

  // --- metadata ---

  void note_metadata(entry kind, std::string_view line, bool is_new) {
    if (kind == entry::comment)
      return;
    if (block_.ends_with(kind))
      send_metadata();
    block_.add(kind, line, is_new);
  }

  void send_metadata() {
    if (!block_.has_new())
      return;
    for (auto& m : block_.template entries<Parser>()) {
      const auto h = metadata_hash(m);
      if (!scratch_.sent_metadata.insert(h).second)
        continue;
      sent_now_.push_back(h);
      out_.metadata.push_back(std::move(m));
    }
    block_.clear();
  }

  // --- the end ---

  void keep_lines() {
    if (!diverged_) {
      memory_.lines.resize(cursor_);
      return;
    }
    memory_.lines = std::vector<line_entry>(scratch_.next_lines);
    if (memory_.created.empty())
      return;
    std::vector<created_line> kept;
    for (auto& e : memory_.lines) {
      if (e.ref == line_entry::dropped || !e.is_created())
        continue;
      kept.push_back(memory_.created[e.ref & ~line_entry::created_flag]);
      e.ref = line_entry::created_flag | static_cast<uint32_t>(kept.size() - 1);
    }
    memory_.created = std::move(kept);
  }

  Parser p_;
  const body_request& request_;
  const config::scrape_config& config_;
  const job_rules& job_;
  const labels& target_labels_;
  target_memory& memory_;
  scrape_scratch& scratch_;
  write_batch& out_;
  body_counts& counts_;
  size_t cursor_ = 0;  ///< the known line that is expected next
  bool diverged_ = false;
  bool indexed_ = false;
  const line_entry* matched_ = nullptr;
  const uint32_t known_series_;  ///< positions below are of series seen before this body
  uint64_t appended_ = 0;
  metadata_block block_;
  std::vector<uint64_t> sent_now_;
  std::optional<std::set<std::pair<uint32_t, timestamp_ms>>> own_times_;
};

}  // namespace

status read_body(const body_request& request, const job_rules& job, const labels& target_labels,
                 target_memory& memory, scrape_scratch& scratch, write_batch& out,
                 body_counts& counts) {
  scratch.seen.clear();
  scratch.seen_plain.clear();
  scratch.tracked.clear();
  scratch.starts.clear();
  scratch.next_lines.clear();
  if (request.format == parse::exposition_format::openmetrics)
    return body_reader<parse::openmetrics_parser>(request, job, target_labels, memory, scratch, out,
                                                  counts)
        .run();
  return body_reader<parse::text_parser>(request, job, target_labels, memory, scratch, out, counts)
      .run();
}

}  // namespace troupe::scrape
