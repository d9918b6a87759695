#include "protocol/xcap/effect.hpp"

#include <array>
#include <cstdint>
#include <utility>
#include <variant>

#include "protocol/base/bytes.hpp"
#include "protocol/base/text.hpp"
#include "protocol/xcap/node.hpp"

namespace beckon::xcap {

namespace {

Effect refuse(unsigned status) {
  Effect effect;
  effect.response = make_response(status);
  return effect;
}
Effect refuse(const Problem& problem) {
  Effect effect;
  effect.response = make_response(problem);
  return effect;
}
Effect not_allowed(std::string_view allowed) {
  Effect effect;
  effect.response = refuse_method(allowed);
  return effect;
}

/// One request, its document and node selector known.
class Operation {
 public:
  Operation(const Usage& usage, const Target& target, const Request& request, std::optional<Stored> document,
            const Setting& setting, std::string_view root)
      : usage_(usage),
        target_(target),
        request_(request),
        document_(document),
        setting_(setting),
        root_(root) {}

  Effect run() {
    if (target_.has_node) {
      auto selector = parse_node_selector(target_.node_selector, target_.query, usage_.ns);
      if (selector.has_error()) return refuse(selector.error() == SelectorErrc::bad_selector ? 404 : 400);
      selector_ = std::move(*selector);
    }
    if (auto refused = check_method()) return *refused;
    const auto etag = document_ ? std::optional(document_->etag) : std::nullopt;
    const auto condition = evaluate_preconditions(request_.method, etag, request_.headers);
    if (condition == Precondition::failed) return refuse(412);
    if (condition == Precondition::not_modified) {
      Effect effect = refuse(304);
      effect.response.etag = etag.value_or("");
      return effect;
    }
    if (reads(request_.method)) return read();
    return request_.method == Method::put ? put() : remove();
  }

 private:
  std::optional<Effect> check_method() const {
    const bool only_reads = usage_.is_made || target_.tree == Target::Tree::global ||
                            (selector_ && selector_->target == NodeSelector::Target::namespaces);
    if (request_.method == Method::other || (only_reads && !reads(request_.method)))
      return not_allowed(only_reads ? "GET, HEAD" : "GET, HEAD, PUT, DELETE");
    return std::nullopt;
  }

  Effect read() const {
    if (!document_) return refuse(404);
    Effect effect;
    effect.response.etag = document_->etag;
    if (!selector_) {
      effect.response.content_type = usage_.content_type;
      effect.response.body = document_->text;
      return effect;
    }
    const auto node = read_node(document_->text, *selector_);
    if (!node) return refuse(404);
    effect.response.content_type = content_type_of(*selector_);
    effect.response.body = *node;
    return effect;
  }

  Effect put() const {
    const auto type = find_header(request_.headers, "Content-Type").value_or("");
    const auto expected = selector_ ? content_type_of(*selector_) : usage_.content_type;
    if (selector_ && !document_) return refuse(no_parent());
    if (const auto problem = check_type(type, expected)) return refuse(*problem);
    if (!selector_) return put_document();
    return changed(put_node(document_->text, *selector_, request_.body));
  }

  Effect put_document() const {
    if (!document_ && usage_.is_single && target_.document != "index")
      return refuse(
          Problem{.kind = Problem::Kind::constraint_failure, .phrase = "the document is called index"});
    // There are no directories below that of the user (RFC 4825 8.2.1).
    if (!document_ && target_.document.find('/') != std::string::npos) return refuse(no_parent());
    return store(request_.body, !document_);
  }

  Effect remove() const {
    if (!document_) return refuse(404);
    if (!selector_) {
      Effect effect;
      effect.is_removed = true;
      return effect;
    }
    return changed(delete_node(document_->text, *selector_));
  }

  Effect changed(const Outcome& outcome) const {
    if (const auto* change = std::get_if<Changed>(&outcome)) return store(change->text, change->is_created);
    Problem problem = std::get<Problem>(outcome);
    if (!problem.ancestor.empty()) problem.ancestor = uri_of(problem.ancestor);
    return refuse(problem);
  }

  Effect store(const std::string& text, bool is_created) const {
    Effect effect;
    effect.response.status = is_created ? 201 : 200;
    if (document_ && document_->text == text) {
      effect.response.etag = document_->etag;
      return effect;
    }
    if (text.size() > setting_.octets_max) return refuse(too_large());
    if (const auto problem = validate(usage_, text, setting_)) return refuse(*problem);
    effect.text = text;
    return effect;
  }

  /// The size of what is sent is the fault only where that is the document.
  Problem too_large() const {
    if (!selector_) return {.status = 413};
    return {.kind = Problem::Kind::constraint_failure,
            .phrase = "a document has no more than " + std::to_string(setting_.octets_max) + " octets"};
  }
  static Problem no_parent() {
    return {.kind = Problem::Kind::no_parent, .phrase = "the document or directory does not exist"};
  }
  std::string uri_of(const std::string& node_selector) const {
    Target ancestor = target_;
    ancestor.node_selector = node_selector;
    return print(ancestor, root_);
  }

  const Usage& usage_;
  const Target& target_;
  const Request& request_;
  const std::optional<Stored> document_;
  const Setting& setting_;
  std::string_view root_;
  std::optional<NodeSelector> selector_;
};

}  // namespace

Effect effect_of(const Usage& usage, const Target& target, const Request& request,
                 std::optional<Stored> document, const Setting& setting, std::string_view root) {
  return Operation(usage, target, request, document, setting, root).run();
}

/// FNV-1a: an entity-tag only tells versions of one's own document apart.
std::string etag_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  std::array<std::uint8_t, 8> octets{};
  for (auto& octet : octets) {
    octet = static_cast<std::uint8_t>(hash >> 56);
    hash <<= 8;
  }
  return to_hex(octets);
}

}  // namespace beckon::xcap
