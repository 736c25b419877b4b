// Keys of service discoveries: those that act and, by the tables of sd_kinds.h, those that are only
// checked.
#include "config/schema.h"
#include "config/sd_kinds.h"
#include "config/text.h"
#include "storage/base/duration.h"

#include <algorithm>

namespace troupe::config {
namespace {

display_value scalar(std::string_view text, bool raw = false) {
  display_value v;
  v.text = text;
  v.raw = raw;
  return v;
}

display_value list_of(const std::vector<std::string>& texts) {
  display_value v;
  v.type = display_value::kind::list;
  for (const auto& t : texts)
    v.items.push_back(scalar(t));
  return v;
}

display_value map_of(std::vector<std::pair<std::string, display_value>> members) {
  display_value v;
  v.type = display_value::kind::map;
  v.members = std::move(members);
  return v;
}

using kept = std::vector<std::pair<std::string, display_value>>;

void keep(kept& out, std::string_view key, std::string_view text, bool raw = false) {
  if (!text.empty())
    out.emplace_back(std::string(key), scalar(text, raw));
}

bool is_choice(std::string_view text, std::string_view choices) {
  while (!choices.empty()) {
    const auto end = std::min(choices.find('|'), choices.size());
    if (text == choices.substr(0, end))
      return true;
    choices.remove_prefix(std::min(end + 1, choices.size()));
  }
  return false;
}

std::string comma_separated(std::string_view choices) {
  std::string out;
  for (const char c : choices)
    out += c == '|' ? std::string(", ") : std::string(1, c);
  return out;
}

void read_text(fields& f, const sd_key& k, kept& out) {
  std::string v(k.initial);
  if (k.type == sd_type::path)
    f.path(k.name, v);
  else if (k.type == sd_type::url)
    f.url(k.name, v);
  else
    f.text(k.name, v, k.type == sd_type::hidden ? shown::no : shown::yes);
  if (!k.choices.empty() && !v.empty() && !is_choice(v, k.choices))
    f.invalid(k.name, "unknown value \"" + v + "\", must be one of " + comma_separated(k.choices));
  if (k.type == sd_type::hidden && !v.empty())
    v = secret_mark;
  keep(out, k.name, k.type == sd_type::url ? mask_url(v) : v);
}

void read_number(fields& f, const sd_key& k, kept& out) {
  std::string text(k.initial);
  if (k.type == sd_type::integer) {
    constexpr int64_t none = INT64_MIN;
    int64_t v = none;
    f.integer(k.name, v);
    if (v != none)
      text = std::to_string(v);
  } else if (k.type == sd_type::number) {
    double v = 0;
    f.number(k.name, v);
    if (f.has(k.name))
      text = std::to_string(v);
  } else if (k.type == sd_type::duration) {
    int64_t v = -1;
    f.duration(k.name, v);
    if (v >= 0)
      text = format_duration(v);
  } else {
    bool v = k.initial == "true";
    f.flag(k.name, v);
    if (f.has(k.name))
      text = v ? "true" : "false";
  }
  keep(out, k.name, text, true);
}

struct sd_filter {
  std::string name;
  std::vector<std::string> values;
};

void read_filters(fields& f, const sd_key& k, kept& out) {
  std::vector<sd_filter> filters;
  f.list_with(k.name, filters, [&](sd_filter& item) {
    f.text("name", item.name, shown::yes);
    f.texts("values", item.values, shown::yes);
  });
  display_value list = list_of({});
  for (const auto& item : filters)
    list.items.push_back(map_of({{"name", scalar(item.name)}, {"values", list_of(item.values)}}));
  if (!list.items.empty())
    out.emplace_back(std::string(k.name), std::move(list));
}

void read_selectors(fields& f, const sd_key& k, kept& out) {
  std::vector<kept> selectors;
  f.list_with(k.name, selectors, [&](kept& item) {
    read_text(f,
              {"role", sd_type::text, {}, "node|pod|service|endpoints|endpointslice|ingress", true},
              item);
    read_text(f, {"label"}, item);
    read_text(f, {"field"}, item);
  });
  display_value list = list_of({});
  for (auto& item : selectors)
    list.items.push_back(map_of(std::move(item)));
  if (!list.items.empty())
    out.emplace_back(std::string(k.name), std::move(list));
}

void read_namespaces(fields& f, const sd_key& k, kept& out) {
  if (!f.enter(k.name, when::set))
    return;
  kept members;
  read_number(f, {"own_namespace", sd_type::flag, "false"}, members);
  std::vector<std::string> names;
  f.texts("names", names, shown::yes);
  members.emplace_back("names", list_of(names));
  f.leave();
  out.emplace_back(std::string(k.name), map_of(std::move(members)));
}

void read_attach_metadata(fields& f, const sd_key& k, kept& out) {
  if (!f.enter(k.name, when::set))
    return;
  kept members;
  read_number(f, {"node", sd_type::flag, "false"}, members);
  read_number(f, {"namespace", sd_type::flag, "false"}, members);
  f.leave();
  out.emplace_back(std::string(k.name), map_of(std::move(members)));
}

void read_collection(fields& f, const sd_key& k, kept& out) {
  if (k.type == sd_type::texts) {
    std::vector<std::string> v;
    f.texts(k.name, v, shown::yes);
    if (!v.empty())
      out.emplace_back(std::string(k.name), list_of(v));
    return;
  }
  std::map<std::string, std::string> v;
  f.text_map(k.name, v, shown::yes);
  kept members;
  for (const auto& [name, value] : v)
    members.emplace_back(name, scalar(value));
  if (!members.empty())
    out.emplace_back(std::string(k.name), map_of(std::move(members)));
}

void read_key(fields& f, const sd_key& k, inert_sd_config& c) {
  if (k.required && !f.has(k.name))
    f.invalid(k.name, "must be set");
  switch (k.type) {
    case sd_type::text:
    case sd_type::hidden:
    case sd_type::url:
    case sd_type::path:
      return read_text(f, k, c.fields);
    case sd_type::integer:
    case sd_type::number:
    case sd_type::duration:
    case sd_type::flag:
      return read_number(f, k, c.fields);
    case sd_type::texts:
    case sd_type::text_map:
      return read_collection(f, k, c.fields);
    case sd_type::filters:
      return read_filters(f, k, c.fields);
    case sd_type::selectors:
      return read_selectors(f, k, c.fields);
    case sd_type::namespaces:
      return read_namespaces(f, k, c.fields);
    case sd_type::attach_metadata:
      return read_attach_metadata(f, k, c.fields);
    case sd_type::tls:
      return f.object(k.name, c.client.tls, describe);
  }
}

bool has_tls_key(const sd_kind& kind) {
  return std::any_of(kind.keys.begin(), kind.keys.end(),
                     [](const sd_key& k) { return k.type == sd_type::tls; });
}

void describe_inert(fields& f, inert_sd_config& c, const sd_kind& kind) {
  if (f.reading()) {
    c.kind = kind.name;
    for (const auto& k : kind.keys)
      read_key(f, k, c);
  } else {
    for (const auto& [key, value] : c.fields)
      f.display(key, value);
    if (has_tls_key(kind))
      f.object("tls_config", c.client.tls, describe);
  }
  if (kind.http)
    describe(f, c.client);
}

void describe_inert_kind(fields& f, service_discovery& c, const sd_kind& kind) {
  const auto key = std::string(kind.name) + "_sd_configs";
  std::vector<inert_sd_config> of_kind;
  if (!f.reading())
    std::copy_if(c.inert.begin(), c.inert.end(), std::back_inserter(of_kind),
                 [&](const auto& i) { return i.kind == kind.name; });
  f.list_with(key, of_kind, [&](inert_sd_config& i) { describe_inert(f, i, kind); });
  if (f.reading())
    for (auto& i : of_kind)
      c.inert.push_back(std::move(i));
}

}  // namespace

void describe(fields& f, target_group& c) {
  f.texts("targets", c.targets, shown::yes);
  f.text_map("labels", c.labels, shown::yes);
}

void describe(fields& f, file_sd_config& c) {
  f.paths("files", c.files);
  f.duration("refresh_interval", c.refresh_interval_ms, when::always);
}

void describe(fields& f, http_sd_config& c) {
  describe(f, c.client);
  f.duration("refresh_interval", c.refresh_interval_ms, when::always);
  f.url("url", c.url);
}

void describe(fields& f, service_discovery& c) {
  for (const auto& kind : inert_sd_kinds())
    describe_inert_kind(f, c, kind);
  f.list("file_sd_configs", c.file, describe);
  f.list("http_sd_configs", c.http, describe);
  f.list("static_configs", c.static_groups, describe);
}

}  // namespace troupe::config
