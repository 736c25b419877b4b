#include "pipeline/credentials/sts.h"
#include "pipeline/http/header_text.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <climits>
#include <memory>

namespace troupe::credentials {
namespace {

// No network, no entities, nothing on stderr.
constexpr int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;

using document = std::unique_ptr<xmlDoc, decltype(&xmlFreeDoc)>;

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

/// The first element of that name in document order, or null.
const xmlNode* find(const xmlNode* from, std::string_view name) {
  for (const auto* at = from; at != nullptr;) {
    if (at->type == XML_ELEMENT_NODE && view(at->name) == name)
      return at;
    if (at->type == XML_ELEMENT_NODE && at->children != nullptr) {
      at = at->children;
      continue;
    }
    while (at != nullptr && at->next == nullptr)
      at = at->parent == from->parent ? nullptr : at->parent;
    if (at != nullptr)
      at = at->next;
  }
  return nullptr;
}

/// The text in the first element of that name below `from`.
std::string text_in(const xmlNode* from, std::string_view name) {
  const auto* element = from == nullptr ? nullptr : find(from->children, name);
  std::string out;
  if (element != nullptr)
    for (const auto* at = element->children; at != nullptr; at = at->next)
      if (at->type == XML_TEXT_NODE || at->type == XML_CDATA_SECTION_NODE)
        out += view(at->content);
  return out;
}

}  // namespace

result<temporary_key> parse_sts_answer(int code, std::string_view xml) {
  if (xml.size() > INT_MAX)
    return {errc::invalid_argument, "STS: the answer is too long"};
  const document parsed(
      xmlReadMemory(xml.data(), static_cast<int>(xml.size()), "sts.xml", nullptr, options),
      &xmlFreeDoc);
  const xmlNode* root = parsed == nullptr ? nullptr : xmlDocGetRootElement(parsed.get());
  if (code != 200) {
    const auto* error = root == nullptr ? nullptr : find(root, "Error");
    auto why = "STS answered " + std::to_string(code);
    for (const auto* part : {"Code", "Message"})
      if (const auto text = text_in(error, part); !text.empty())
        why.append(": ").append(http::shown_text(text));
    return {errc::unavailable, why};
  }
  const auto* found = root == nullptr ? nullptr : find(root, "Credentials");
  temporary_key out{text_in(found, "AccessKeyId"), text_in(found, "SecretAccessKey"),
                    text_in(found, "SessionToken"), aws_time(text_in(found, "Expiration"))};
  if (!out.complete())
    return {errc::invalid_argument, "STS: the answer has no credentials"};
  return out;
}

}  // namespace troupe::credentials
