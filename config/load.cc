#include "config/load.h"

#include "config/defaults.h"
#include "config/glob.h"
#include "config/inert.h"
#include "config/resolve.h"
#include "config/text.h"
#include "config/topic_stream.h"
#include "config/validate.h"
#include "config/yaml_printer.h"
#include "config/yaml_reader.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <set>

namespace troupe::config {
namespace {

// The whole main file, or one of scrape_config_files (scrape_configs only).
struct draft {
  config c;
  std::vector<job_draft> jobs;
};

void describe_jobs(fields& f, draft& d) {
  f.list_with("scrape_configs", d.jobs, [&](job_draft& j) {
    if (f.reading())
      j = unset_job(d.c.global);
    describe(f, j);
  });
}

void describe_root(fields& f, draft& d) {
  f.object("global", d.c.global, describe);
  if (f.reading())
    resolve(d.c.global);
  f.object("runtime", d.c.runtime, describe);
  f.object("alerting", d.c.alerting, describe);
  f.paths("rule_files", d.c.rule_files);
  f.paths("scrape_config_files", d.c.scrape_config_files);
  describe_jobs(f, d);
  f.object("storage", d.c.storage, describe);
  f.object("tracing", d.c.tracing, describe);
  f.list("remote_write", d.c.remote_write, describe);
  f.list("remote_read", d.c.remote_read, describe);
  f.object("otlp", d.c.otlp, describe);
}

// True if a value at or above `field` could not be read, so that findings about it are but
// consequences.
bool is_unread(const std::string& field, const std::string& file, const diagnostics& errors) {
  return std::any_of(errors.begin(), errors.end(), [&](const diagnostic& e) {
    if (e.file != file || e.field.empty() || !field.starts_with(e.field))
      return false;
    return field.size() == e.field.size() || field[e.field.size()] == '.' ||
           field[e.field.size()] == '[';
  });
}

// Gives findings their file and position.
void place(diagnostics found, const yaml_node& root, const std::string& file, diagnostics& errors) {
  std::erase_if(found, [&](const diagnostic& d) { return is_unread(d.field, file, errors); });
  for (auto& d : found) {
    d.file = file;
    locate(root, d);
    errors.push_back(std::move(d));
  }
}

// By position within each file, files in the order they were read.
void finish(diagnostics& errors) {
  std::vector<std::string> files;
  for (const auto& d : errors)
    if (std::find(files.begin(), files.end(), d.file) == files.end())
      files.push_back(d.file);
  const auto rank = [&](const std::string& f) {
    return std::find(files.begin(), files.end(), f) - files.begin();
  };
  std::stable_sort(errors.begin(), errors.end(), [&](const auto& a, const auto& b) {
    return std::tuple(rank(a.file), a.line, a.column) < std::tuple(rank(b.file), b.line, b.column);
  });
  if (errors.size() > defaults::max_errors) {
    errors.resize(defaults::max_errors);
    errors.push_back({"", 0, 0, "", "more errors than these are not shown"});
  }
}

yaml_limits file_limits() {
  yaml_limits l;
  l.max_bytes = defaults::max_file_bytes;
  return l;
}

class loader {
 public:
  loader(file_system& fs, const load_options& options) : fs_(fs), options_(options) {}

  loaded_config run(std::string_view text, const std::string& name) {
    draft d;
    d.c.global = unset_global();
    d.c.global.extra_scrape_metrics = options_.extra_scrape_metrics;
    d.c.global.scrape_native_histograms = options_.native_histograms;
    yaml_node root;
    read_main(text, name, root, d);
    if (!options_.own_file.empty())
      read_own_file(options_.own_file, d.c.own);
    diagnostics found;
    check_topic_urls(d.c, !options_.without_own_file, found);
    place(std::move(found), root, name, out_.errors);
    if (options_.follow_files && out_.errors.empty()) {
      read_job_files(d.c);
      read_rule_files(d.c);
    }
    finish(out_.errors);
    if (!out_.errors.empty())
      return std::move(out_);
    for (auto& w : inert_warnings(d.c))
      out_.warnings.push_back(std::move(w));
    out_.value = std::make_shared<const config>(std::move(d.c));
    return std::move(out_);
  }

  void fail(const std::string& file, std::string message) {
    out_.errors.push_back({file, 0, 0, "", std::move(message)});
  }
  loaded_config take() { return std::move(out_); }

 private:
  void read_main(std::string_view text, const std::string& name, yaml_node& root, draft& d) {
    if (!parse_yaml(text, name, file_limits(), root, out_.errors))
      return;
    const auto folder = folder_of(name);
    yaml_reader(root, name, folder, out_.errors).read(d, describe_root);
    for (auto& j : d.jobs)
      d.c.scrape_configs.push_back(resolve(std::move(j), d.c.global));
    expand_external_labels(d.c.global);
    diagnostics found;
    validate(d.c, found);
    check_topic_keys(root, name, found, out_.warnings);
    place(std::move(found), root, name, out_.errors);
    find_inert(root, name, d.c.inert_uses);
  }

  void read_own_file(const std::string& file, own_config& c) {
    const auto text = read_file(fs_, file, defaults::max_file_bytes);
    if (!text.ok())
      return fail(file, std::string(text.error().message()));
    yaml_node root;
    if (!parse_yaml(*text, file, file_limits(), root, out_.errors))
      return;
    const auto blocks = own_block_names();
    std::erase_if(root.members, [&](const auto& m) {
      return std::find(blocks.begin(), blocks.end(), m.key) == blocks.end();
    });
    yaml_reader(root, file, folder_of(file), out_.errors)
        .read(c, static_cast<void (*)(fields&, own_config&)>(describe));
    diagnostics found;
    validate(c, found);
    for (size_t i = 0; i < c.federation.size(); ++i)
      check_selectors(c.federation[i].match, item_path("federation", i), found);
    for (size_t i = 0; i < c.stream_aggregation.size(); ++i)
      check_selectors(c.stream_aggregation[i].match, item_path("stream_aggregation", i), found);
    check_selectors(c.region.match, "region", found);
    for (size_t i = 0; i < c.publish.size(); ++i)
      check_selectors(c.publish[i].match, item_path("publish", i), found);
    for (size_t i = 0; i < c.consume.size(); ++i)
      check_selectors(c.consume[i].match, item_path("consume", i), found);
    for (size_t i = 0; i < c.series_budgets.size(); ++i)
      if (const auto& match = c.series_budgets[i].match; options_.check_selector && !match.empty())
        if (const auto s = options_.check_selector(match); !s.ok())
          found.push_back({"", 0, 0, child_path(item_path("series_budgets", i), "match"),
                           std::string(s.message())});
    if (found.empty())
      add_region_blocks(c);
    place(std::move(found), root, file, out_.errors);
  }

  void check_selectors(const std::vector<std::string>& match, const std::string& path,
                       diagnostics& out) {
    for (size_t i = 0; options_.check_selector && i < match.size(); ++i)
      if (const auto s = options_.check_selector(match[i]); !s.ok())
        out.push_back(
            {"", 0, 0, item_path(child_path(path, "match"), i), std::string(s.message())});
  }

  void expand_external_labels(global_config& g) {
    if (!options_.environment)
      return;
    std::vector<std::string> missing;
    for (auto& [name, value] : g.external_labels)
      value = expand_variables(value, options_.environment, missing);
    for (const auto& m : missing)
      out_.warnings.push_back("empty environment variable " + m + " in external_labels");
  }

  std::vector<std::string> matching_files(const std::vector<std::string>& patterns) {
    std::vector<std::string> files;
    for (const auto& p : patterns) {
      auto found = glob(fs_, p);
      if (!found.ok()) {
        fail(p, std::string(found.error().message()));
        continue;
      }
      for (auto& f : *found)
        if (std::find(files.begin(), files.end(), f) == files.end())
          files.push_back(std::move(f));
    }
    return files;
  }

  void read_job_files(config& c) {
    std::map<std::string, std::string> jobs;
    for (const auto& j : c.scrape_configs)
      jobs.emplace(j.job_name, "the main file");
    for (const auto& file : matching_files(c.scrape_config_files)) {
      const auto text = read_file(fs_, file, defaults::max_file_bytes);
      if (text.ok())
        read_job_file(*text, file, c, jobs);
      else
        fail(file, std::string(text.error().message()));
    }
  }

  void read_job_file(std::string_view text, const std::string& file, config& c,
                     std::map<std::string, std::string>& jobs) {
    yaml_node root;
    if (!parse_yaml(text, file, file_limits(), root, out_.errors))
      return;
    draft d;
    d.c.global = c.global;
    const auto folder = folder_of(file);
    yaml_reader(root, file, folder, out_.errors).read(d, describe_jobs);
    diagnostics found;
    for (size_t i = 0; i < d.jobs.size(); ++i) {
      auto job = resolve(std::move(d.jobs[i]), c.global);
      const auto path = item_path("scrape_configs", i);
      validate(job, path, found);
      const auto [first, fresh] = jobs.emplace(job.job_name, file);
      if (!fresh && !job.job_name.empty())
        found.push_back({"", 0, 0, child_path(path, "job_name"),
                         "found multiple scrape configs with job name " + quoted(job.job_name) +
                             ", first found in " + first->second});
      job.source_file = file;
      c.scrape_configs.push_back(std::move(job));
    }
    place(std::move(found), root, file, out_.errors);
    find_inert(root, file, c.inert_uses);
  }

  void read_rule_files(config& c) {
    for (const auto& file : matching_files(c.rule_files)) {
      const auto text = read_file(fs_, file, defaults::max_file_bytes);
      if (!text.ok()) {
        fail(file, std::string(text.error().message()));
        continue;
      }
      auto groups = parse_rule_file(*text, file, c.global.validation == name_validation::utf8,
                                    options_, out_.errors);
      for (auto& g : groups)
        c.rule_groups.push_back(std::move(g));
    }
  }

  file_system& fs_;
  const load_options& options_;
  loaded_config out_;
};

/// A file that holds one block; `c` is what it is without it.
template <class Block>
result<Block> load_block(file_system& fs, const std::string& path, Block c) {
  TROUPE_ASSIGN(const std::string text, read_file(fs, path, defaults::max_file_bytes));
  yaml_node root;
  diagnostics errors;
  if (parse_yaml(text, path, file_limits(), root, errors)) {
    const auto folder = folder_of(path);
    yaml_reader(root, path, folder, errors).read(c, describe);
    diagnostics found;
    validate(c, "", found);
    place(std::move(found), root, path, errors);
  }
  if (!errors.empty())
    return to_status(errors);
  return c;
}

}  // namespace

loaded_config parse_config(std::string_view text, const std::string& name, file_system& fs,
                           const load_options& options) {
  return loader(fs, options).run(text, name);
}

loaded_config load_config(file_system& fs, const std::string& path, const load_options& options) {
  loader l(fs, options);
  const auto text = read_file(fs, path, defaults::max_file_bytes);
  if (text.ok())
    return l.run(*text, path);
  l.fail(path, std::string(text.error().message()));
  return l.take();
}

std::string embedded_config(std::string_view listen_address, std::string_view route_prefix) {
  const auto colon = listen_address.rfind(':');
  auto host = listen_address.substr(0, std::min(colon, listen_address.size()));
  const auto port =
      colon == std::string_view::npos ? std::string_view("9090") : listen_address.substr(colon + 1);
  if (host.empty() || host == "0.0.0.0" || host == "[::]")
    host = "localhost";
  std::string out =
      "# Used when there is no configuration file: troupe scrapes itself.\n"
      "global:\n"
      "  scrape_interval: 15s\n"
      "scrape_configs:\n"
      "- job_name: troupe\n";
  if (route_prefix.size() > 1)
    out += "  metrics_path: \"" + std::string(route_prefix) + "/metrics\"\n";
  return out + "  static_configs:\n  - targets: [\"" + std::string(host) + ":" + std::string(port) +
         "\"]\n";
}

result<std::vector<target_group>> parse_target_groups(std::string_view text,
                                                      const std::string& name) {
  yaml_limits limits;
  limits.max_bytes = defaults::max_target_file_bytes;
  limits.max_nodes = defaults::max_target_file_nodes;
  yaml_node wrapper;
  wrapper.type = yaml_node::kind::map;
  wrapper.members.push_back({"groups", 1, 1, {}});
  auto& root = wrapper.members.front().value;
  diagnostics errors;
  std::vector<target_group> groups;
  if (parse_yaml(text, name, limits, root, errors) && root.type != yaml_node::kind::null) {
    const std::string folder;
    yaml_reader(wrapper, name, folder, errors)
        .read(
            groups,
            +[](fields& f, std::vector<target_group>& g) { f.list("groups", g, describe); });
    service_discovery as_static;
    as_static.static_groups = groups;
    diagnostics found;
    validate(as_static, "", true, found);
    for (auto& d : found)
      d.field.replace(0, std::string_view("static_configs").size(), "groups");
    place(std::move(found), wrapper, name, errors);
  }
  for (auto& d : errors)
    if (d.field.starts_with("groups"))
      d.field.erase(0, std::string_view("groups").size());
  if (!errors.empty())
    return to_status(errors);
  return groups;
}

result<http_client_config> load_http_client_config(file_system& fs, const std::string& path) {
  return load_block(fs, path, http_client_config());
}

result<kafka_config> load_kafka_config(file_system& fs, const std::string& path) {
  kafka_config c;
  c.name = "kafka";
  return load_block(fs, path, std::move(c));
}

std::string to_yaml(const config& c) {
  draft d;
  d.c = c;
  for (const auto& j : c.scrape_configs)
    if (j.source_file.empty())
      d.jobs.push_back(to_draft(j));
  yaml_printer p;
  describe_root(p, d);
  return p.text();
}

}  // namespace troupe::config
