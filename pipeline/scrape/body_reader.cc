#include "pipeline/scrape/body_reader.h"

#include "pipeline/parse/openmetrics_parser.h"
#include "pipeline/parse/text_parser.h"
#include "pipeline/scrape/body_writer.h"
#include "pipeline/scrape/classic_lines.h"
#include "pipeline/scrape/metadata_block.h"
#include "pipeline/scrape/proto_body.h"

#include <algorithm>
#include <optional>

namespace troupe::scrape {
namespace {

using parse::entry;

constexpr size_t look_ahead = 4;

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
class text_reader {
 public:
  text_reader(const body_request& request, const job_rules& job, const labels& target_labels,
              target_memory& memory, scrape_scratch& scratch, write_batch& out, body_counts& counts)
      : p_(request.body),
        request_(request),
        config_(*job.config),
        memory_(memory),
        scratch_(scratch),
        out_(out),
        counts_(counts),
        writer_(request, job, target_labels, memory, scratch, out, counts),
        classic_(memory, scratch, writer_) {}

  status run() {
    const bool had_created = memory_.has_created;
    status s = read_lines();
    if (s.ok())
      add_starts();
    s = writer_.finish(std::move(s));
    if (!s.ok()) {
      memory_.has_created = had_created;
      return s;
    }
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
          classic_.end();
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
    size_t line = writer_.cursor();
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
    writer_.step_to(line, e);
    return true;
  }

  std::optional<size_t> find_elsewhere() {
    for (size_t k = 1; k < look_ahead; ++k)
      if (fits(writer_.cursor() + k))
        return writer_.cursor() + k;
    std::string_view text;
    if (at_hash_line()) {
      const char* eol = std::find(p_.position(), p_.end(), '\n');
      text = here(static_cast<size_t>(eol - p_.position()) + (eol != p_.end() ? 1 : 0));
    } else {
      text = guess_series_text(p_.position(), p_.end());
    }
    if (text.empty() || text.size() > line_entry::max_length)
      return std::nullopt;
    return writer_.look_up(line_entry::make(text, context(), scratch_.line_secret, 0));
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
    if (text.size() <= line_entry::max_length)
      writer_.remember(line_entry::make(text, context, scratch_.line_secret, ref));
    else
      writer_.diverge();
  }

  status read_new_series() {
    // A known text whose tail was not of the plain form.
    if (matched_ != nullptr && matched_->length() == p_.series().size()) {
      const line_entry e = *matched_;
      ++counts_.known_lines;
      accept(e.ref, false);
      writer_.step_to(static_cast<size_t>(matched_ - memory_.lines.data()), e);
      return {};
    }
    ++counts_.new_lines;
    if (take_created_line())
      return {};
    scratch_.empty_names.clear();
    TROUPE_TRY(p_.read_labels(scratch_.builder, &scratch_.empty_names));
    TROUPE_ASSIGN(const auto classic, remember_classic());
    uint32_t ref = line_entry::dropped;
    if (!classic || config_.always_scrape_classic_histograms) {
      TROUPE_ASSIGN(ref, writer_.find_series_of_sample());
      ref = note_start_key(ref);
    }
    if (classic) {
      memory_.classic.lines[*classic].position = ref;
      ref = line_entry::classic_flag | *classic;
    }
    remember(p_.series(), p_.type(), ref);
    accept(ref, true);
    return {};
  }

  result<std::optional<uint32_t>> remember_classic() {
    if (!config_.convert_classic_histograms_to_nhcb || p_.type() != metric_type::histogram)
      return std::optional<uint32_t>();
    uint64_t start_key = 0;
    if constexpr (is_openmetrics)
      start_key = p_.start_key();
    return classic_.remember(p_.type_family(), start_key);
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
    if (line_entry::is_classic(ref)) {
      const auto& line = memory_.classic.lines[ref & ~line_entry::classic_flag];
      take_classic(line);
      if (!config_.always_scrape_classic_histograms)
        return;
      position = line.position;
    } else {
      classic_.end();
    }
    if (ref != line_entry::dropped && (ref & line_entry::created_flag) != 0) {
      const auto& line = memory_.created[ref & ~line_entry::created_flag];
      if (timestamp_ms start = 0; parse::seconds_to_ms(p_.value(), start))
        scratch_.starts.emplace_back(line.key, start);
      if (request_.zero_at_start)
        return;
      position = line.position;
    }
    const auto time = writer_.add_float(position, is_new, own_time(), p_.value());
    if (time && p_.has_exemplar())
      writer_.add_exemplar(position, read_exemplar(*time));
  }

  void take_classic(const classic_line& line) {
    classic_.take(line, own_time(), p_.value());
    // Histograms have no exemplars without a time.
    if (p_.has_exemplar() && p_.exemplar().has_timestamp)
      classic_.take_exemplar(read_exemplar(0));
  }

  exposed_time own_time() const { return {p_.has_timestamp(), p_.timestamp()}; }

  exemplar read_exemplar(timestamp_ms time) const {
    const auto& text = p_.exemplar();
    return {parse::read_exemplar_labels(text.labels), text.value,
            text.has_timestamp ? text.ts : time};
  }

  void add_starts() {
    auto& starts = scratch_.starts;
    if (starts.empty())
      return;
    std::stable_sort(starts.begin(), starts.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (size_t i = 0; i < out_.floats.size(); ++i)
      if (const auto start = start_of(out_.floats[i].series, out_.floats[i].ts))
        out_.starts.push_back({static_cast<uint32_t>(i), *start});
    for (auto& h : out_.histograms)
      h.start_ts = start_of(h.series, h.ts).value_or(no_start_timestamp);
  }

  std::optional<timestamp_ms> start_of(uint32_t series, timestamp_ms ts) const {
    const auto& starts = scratch_.starts;
    const uint64_t key = series < memory_.start_keys.size() ? memory_.start_keys[series] : 0;
    if (key == 0)
      return std::nullopt;
    const auto it = std::lower_bound(starts.begin(), starts.end(), key,
                                     [](const auto& a, uint64_t k) { return a.first < k; });
    if (it == starts.end() || it->first != key || it->second <= 0 || it->second > ts)
      return std::nullopt;
    return it->second;
  }

  // --- metadata ---

  void note_metadata(entry kind, std::string_view line, bool is_new) {
    classic_.end();
    if (kind == entry::comment)
      return;
    if (block_.ends_with(kind))
      send_metadata();
    block_.add(kind, line, is_new);
  }

  void send_metadata() {
    if (!block_.has_new())
      return;
    for (const auto& m : block_.template entries<Parser>())
      writer_.add_metadata(m.family, m.value.type, m.value.unit, m.value.help);
    block_.clear();
  }

  Parser p_;
  const body_request& request_;
  const config::scrape_config& config_;
  target_memory& memory_;
  scrape_scratch& scratch_;
  write_batch& out_;
  body_counts& counts_;
  body_writer writer_;
  classic_lines classic_;
  const line_entry* matched_ = nullptr;
  metadata_block block_;
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
  const bool is_protobuf = request.format == parse::exposition_format::protobuf;
  if (memory.is_protobuf != is_protobuf) {
    memory.forget_lines();
    memory.is_protobuf = is_protobuf;
  }
  if (is_protobuf)
    return read_proto_body(request, job, target_labels, memory, scratch, out, counts);
  if (request.format == parse::exposition_format::openmetrics)
    return text_reader<parse::openmetrics_parser>(request, job, target_labels, memory, scratch, out,
                                                  counts)
        .run();
  return text_reader<parse::text_parser>(request, job, target_labels, memory, scratch, out, counts)
      .run();
}

}  // namespace troupe::scrape
