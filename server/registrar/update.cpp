#include "server/registrar/update.hpp"

#include <algorithm>
#include <charconv>

#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"
#include "protocol/sip/value_list.hpp"

namespace beckon::server::registrar {

using sip::HeaderId;

Update::View Update::view(const std::vector<Binding>& before) const {
  View view;
  for (const Binding& binding : before) view.push_back(&binding);
  for (const Change& change : changes) {
    if (change.place == Change::nowhere) continue;
    if (change.place == view.size()) view.push_back(nullptr);
    view[change.place] = change.ends() ? nullptr : &change.binding;
  }
  view.erase(std::remove(view.begin(), view.end(), nullptr), view.end());
  return view;
}

void Update::apply_to(std::vector<Binding>& bindings) const {
  bool has_ended = false;
  for (const Change& change : changes) {
    if (change.place == Change::nowhere) continue;
    if (change.place == bindings.size()) bindings.emplace_back();
    bindings[change.place] = change.ends() ? Binding() : change.binding;
    has_ended |= change.ends();
  }
  if (has_ended) std::erase_if(bindings, [](const Binding& binding) { return binding.contact().empty(); });
}

namespace {

/// One Contact of a REGISTER.
struct Contact {
  sip::UriView uri{};
  /// Of the header; a 200 repeats them. Without `expires`, and without GRUUs: "A UA cannot suggest or
  /// otherwise provide a public GRUU to the registrar", nor a temporary one (RFC 5627 5.1).
  std::string parameters{};
  std::optional<std::string_view> expires{};
  std::string_view instance{};  ///< "urn:uuid:...", out of quotes and angle brackets (RFC 5626 4.1).
  std::uint32_t reg_id = 0;     ///< 0 where there is none, and without an instance (RFC 5626 6).
  float q = 1;
};

std::string_view without_quotes(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return quoted ? value.substr(1, value.size() - 2) : value;
}

/// 1 for what is no q.
float parse_q(std::string_view text) {
  float value = 1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && value >= 0 && value <= 1 ? value : 1;
}

std::optional<Contact> read_contact(std::string_view value) {
  const auto address = sip::view_name_addr(value);
  if (!address) return std::nullopt;
  Contact contact{.uri = address->uri};
  contact.parameters.reserve(address->parameters.size());
  std::string_view reg_id;
  sip::grammar::each_parameter(address->parameters, [&](std::string_view name, std::string_view written) {
    const std::string_view text = without_quotes(written);
    if (iequals(name, "expires")) {
      if (!contact.expires) contact.expires = text;
      return;
    }
    if (iequals(name, "pub-gruu") || iequals(name, "temp-gruu")) return;
    sip::add_parameter(contact.parameters, name, written);
    if (iequals(name, "+sip.instance") && contact.instance.empty())
      contact.instance =
          text.starts_with('<') && text.ends_with('>') ? text.substr(1, text.size() - 2) : text;
    else if (iequals(name, "reg-id") && reg_id.empty())
      reg_id = text;
    else if (iequals(name, "q"))
      contact.q = parse_q(text);
  });
  if (!contact.instance.empty()) contact.reg_id = parse_number<std::uint32_t>(reg_id).value_or(0);
  return contact;
}

std::string joined_path(const sip::Message& request) {
  std::string path;
  for (const std::string_view value : request.each(HeaderId::path)) sip::append_value(path, value);
  return path;
}

bool is_sips(const sip::UriView& uri) { return iequals(uri.scheme, "sips"); }
bool is_sip(const sip::UriView& uri) { return iequals(uri.scheme, "sip") || is_sips(uri); }

/// As a binding keeps it: scheme and host in lower case.
std::string text_of(sip::UriView uri) {
  const std::string scheme = to_lower(uri.scheme), host = to_lower(uri.host);
  uri.scheme = scheme;
  uri.host = host;
  std::string text;
  text.reserve(scheme.size() + uri.user.size() + host.size() + uri.parameters.size() + uri.headers.size() +
               16);
  sip::append(text, uri);
  return text;
}

/// Seconds asked for one contact (RFC 3261 10.2.1.1).
std::uint32_t asked_seconds(const Contact& contact, const sip::Message& request, const Settings& settings) {
  const auto seconds = contact.expires ? parse_number<std::uint32_t>(*contact.expires) : request.expires();
  return seconds.value_or(settings.registration.standard);
}

bool is_same_contact(std::string_view a, std::string_view b) {
  if (a == b) return true;
  auto one = sip::parse_uri(a);
  auto other = sip::parse_uri(b);
  if (!one || !other) return false;
  // RFC 5630 5.1.1.1: SIP and SIPS of the same contact replace each other.
  for (auto* uri : {&*one, &*other})
    if (uri->is_sip()) uri->scheme = "sip";
  return sip::equivalent(*one, *other);
}

/// The work on one REGISTER.
class Work {
 public:
  Work(const sip::Message& request, const transaction::Hop& from, const std::vector<Binding>& current,
       const Terms& terms)
      : request_(request),
        from_(from),
        current_(current),
        terms_(terms),
        settings_(terms.settings),
        now_(terms.now) {
    for (const Binding& binding : current) places_.push_back(&binding);
  }

  Update run() {
    const auto cseq = request_.cseq();
    if (!cseq) return refuse(400);
    cseq_ = cseq->number;
    if (trim(request_.first(HeaderId::contact)) == "*") return remove_all();
    Contacts contacts;
    for (const std::string_view value : request_.each(HeaderId::contact)) {
      auto contact = read_contact(value);
      if (!contact) return refuse(400);
      contacts.push_back(std::move(*contact));
    }
    if (std::ranges::any_of(contacts, [](const auto& contact) { return contact.reg_id != 0; })) {
      outbound_ = can_be_outbound();
      // RFC 5626 6.
      if (!outbound_ && request_.lists(HeaderId::supported, "outbound")) return refuse(439);
      if (outbound_ && std::ranges::count_if(contacts, [&](const auto& contact) {
                         return asked_seconds(contact, request_, settings_) != 0;
                       }) > 1) {
        return refuse(400, "one contact for one flow");
      }
    }
    if (is_sips_mixed(contacts)) return refuse(400, "a SIPS contact needs SIPS in Request-URI and Path");
    if (contacts.size() > settings_.bindings_per_aor) return refuse(403, "too many contacts in one request");
    path_ = joined_path(request_);
    for (const auto& contact : contacts) {
      if (const int status = apply(contact); status != 200) return refuse(status);
    }
    make_room();
    return std::move(update_);
  }

 private:
  using Contacts = boost::container::small_vector<Contact, 1>;

  Update refuse(int status, std::string warning = {}) {
    return {.status = status, .warning = std::move(warning), .changes = {}};
  }

  /// RFC 5626 6: we are the first hop, or the first hop says with "ob" that it keeps the flow.
  bool can_be_outbound() const {
    if (request_.values(HeaderId::via).size() <= 1) return true;
    const auto paths = request_.values(HeaderId::path);
    if (paths.empty()) return false;
    const auto first = sip::view_name_addr(paths.back());
    return first && first->uri.parameter("ob");
  }

  /// RFC 5630 5.2: a SIPS contact is bound only when nothing on the way to it is less.
  bool is_sips_mixed(const Contacts& contacts) const {
    const auto needs_sips = [](const Contact& each) { return is_sips(each.uri); };
    if (std::ranges::none_of(contacts, needs_sips)) return false;
    const auto target = sip::view_uri(request_.request_uri_text());
    if (!target || !is_sips(*target) || !std::ranges::all_of(contacts, needs_sips)) return true;
    return std::ranges::any_of(request_.values(HeaderId::path), [](std::string_view value) {
      const auto path = sip::view_name_addr(value);
      return !path || !is_sips(path->uri);
    });
  }

  /// Same Call-ID and no higher CSeq: an older request that arrives late (RFC 3261 10.3 step 7).
  bool is_late(const Binding& binding) const {
    return binding.call_id() == request_.call_id() && cseq_ <= binding.cseq;
  }

  /// "Contact: *" stands alone, and with an Expires of 0 (RFC 3261 10.3 step 6).
  Update remove_all() {
    if (request_.values(HeaderId::contact).size() != 1 || request_.expires() != 0U) return refuse(400);
    if (std::ranges::any_of(current_, [this](const Binding& b) { return is_late(b); })) return refuse(500);
    for (std::size_t place = 0; place < current_.size(); ++place) end(place, BindingEvent::unregistered);
    return std::move(update_);
  }

  int apply(const Contact& contact) {
    const std::uint32_t asked = asked_seconds(contact, request_, settings_);
    if (asked != 0 && !contact.instance.empty() && is_loop(contact.uri)) return 403;
    if (!is_sip(contact.uri)) return 400;
    if (asked != 0 && asked < settings_.registration.minimum) return 423;
    const std::string uri = text_of(contact.uri);
    const BindingTexts::Fields texts{.contact = uri,
                                     .parameters = contact.parameters,
                                     .instance = contact.instance,
                                     .path = path_,
                                     .call_id = request_.call_id(),
                                     .user_agent = request_.header(HeaderId::user_agent)};
    const std::uint32_t reg_id = outbound_ ? contact.reg_id : 0;
    const std::size_t place = find(texts, reg_id);
    const Binding* old = place < places_.size() ? places_[place] : nullptr;
    if (!old && asked == 0) return 200;
    if (old && is_late(*old)) return 500;
    if (asked == 0) {
      end(place, BindingEvent::unregistered);
      return 200;
    }
    Binding wanted = old ? Binding(texts, *old) : Binding(texts);
    wanted.set_received(from_);
    const std::uint32_t seconds = std::min(asked, settings_.registration.maximum);
    wanted.registered = old ? old->registered : now_.mono;
    wanted.expires = now_.mono + std::chrono::seconds(seconds);
    wanted.granted = seconds;
    wanted.reg_id = reg_id;
    wanted.cseq = cseq_;
    wanted.q = contact.q;
    if (!contact.instance.empty()) begin_epoch(wanted, place);
    if (reg_id != 0 && request_.lists(HeaderId::supported, "outbound")) update_.outbound = true;
    if (old)
      refresh(place, std::move(wanted));
    else
      add(std::move(wanted));
    return 200;
  }

  /// RFC 5627 5.1: the address-of-record itself, one of its GRUUs, or no SIP URI. A host that is not the
  /// domain's is looked at no further.
  bool is_loop(const sip::UriView& contact) const {
    if (!is_sip(contact)) return true;
    if (contact.port && !contact.parameter("gr")) return false;
    const std::string_view aor = terms_.aor;
    const std::string_view domain = aor.substr(aor.rfind('@') + 1);
    const std::string_view host = domain.starts_with('[') ? domain.substr(1, domain.size() - 2) : domain;
    if (!iequals(contact.host, host)) return false;
    const auto callee = terms_.gruus.read(contact);
    if (!callee || callee->aor != aor) return false;
    if (callee->is_device()) return true;
    const auto own = sip::parse_uri(aor);
    return own && sip::equivalent(sip::own(contact), *own);
  }

  /// RFC 5627 5.1: temporary GRUUs live on while the device keeps its Call-ID; else those of the whole
  /// instance end. `wanted` is to stand at `place`.
  void begin_epoch(Binding& wanted, std::size_t place) {
    const auto is_sibling = [&](const Binding* binding) {
      return binding && binding->instance() == wanted.instance() && binding->epoch != 0;
    };
    const Binding* same = place < places_.size() && is_sibling(places_[place]) ? places_[place] : nullptr;
    const Binding* latest = same;
    for (const Binding* each : places_)
      if (is_sibling(each) && each != same && (!latest || each->refreshed() > latest->refreshed()))
        latest = each;
    // With a reg-id the flow's own REGISTERs count, without one all of the instance's.
    const Binding* before = wanted.reg_id != 0 ? same : latest;
    if (latest && (!before || before->call_id() == wanted.call_id())) {
      wanted.epoch = latest->epoch;
      wanted.first_cseq = same ? same->first_cseq : cseq_;
      return;
    }
    wanted.epoch = fresh_epoch();
    wanted.first_cseq = cseq_;
    for (std::size_t other = 0; other < places_.size(); ++other) {
      if (other == place || !is_sibling(places_[other])) continue;
      Binding moved = *places_[other];
      moved.epoch = wanted.epoch;
      moved.first_cseq = moved.cseq + 1;
      change(BindingEvent::refreshed, std::move(moved), other);
    }
  }

  /// Unlike that of any other device of the user.
  std::uint32_t fresh_epoch() const {
    for (;;) {
      const auto epoch = static_cast<std::uint32_t>(terms_.random.next());
      const auto has_it = [&](const Binding* binding) { return binding && binding->epoch == epoch; };
      if (epoch != 0 && std::ranges::none_of(places_, has_it)) return epoch;
    }
  }

  /// The place of the binding that a contact is the same as; past the last where there is none.
  std::size_t find(const BindingTexts::Fields& texts, std::uint32_t reg_id) const {
    const auto is_same = [&](const Binding* binding) {
      if (!binding) return false;
      if (!texts.instance.empty() && !binding->instance().empty())
        return texts.instance == binding->instance() && reg_id == binding->reg_id;
      return is_same_contact(binding->contact(), texts.contact);
    };
    return static_cast<std::size_t>(std::ranges::find_if(places_, is_same) - places_.begin());
  }

  void change(BindingEvent event, Binding binding, std::size_t place) {
    update_.changes.push_back({event, std::move(binding), place});
    // What stands before may have moved.
    for (const Change& each : update_.changes)
      if (each.place != Change::nowhere) places_[each.place] = each.ends() ? nullptr : &each.binding;
  }

  void end(std::size_t place, BindingEvent event) { change(event, *places_[place], place); }

  void add(Binding binding) {
    places_.push_back(nullptr);
    change(BindingEvent::registered, std::move(binding), places_.size() - 1);
  }

  void refresh(std::size_t place, Binding wanted) {
    // Another contact of the same device is another binding for those who follow it (RFC 3680 5.1).
    const Binding& old = *places_[place];
    const bool is_new = !is_same_key(old, wanted) || old.contact() != wanted.contact();
    if (is_new) change(BindingEvent::unregistered, Binding(old), Change::nowhere);
    change(is_new ? BindingEvent::registered : BindingEvent::refreshed, std::move(wanted), place);
  }

  static bool is_same_key(const Binding& a, const Binding& b) {
    if (a.instance() != b.instance()) return false;
    return a.instance().empty() ? a.contact() == b.contact() : a.reg_id == b.reg_id;
  }

  /// DESIGN 7: past the limit the oldest of the same instance, then the oldest, gives way.
  void make_room() {
    const auto count = [&] { return std::ranges::count_if(places_, [](const Binding* b) { return b; }); };
    while (count() > static_cast<std::ptrdiff_t>(settings_.bindings_per_aor)) {
      std::size_t last = places_.size() - 1;
      while (!places_[last]) --last;
      const std::string_view instance = places_[last]->instance();
      const auto rank = [&](std::size_t place) {
        const Binding& binding = *places_[place];
        return std::pair(instance.empty() || binding.instance() != instance, binding.registered);
      };
      std::size_t victim = Change::nowhere;
      for (std::size_t place = 0; place < last; ++place)
        if (places_[place] && (victim == Change::nowhere || rank(place) < rank(victim))) victim = place;
      end(victim, BindingEvent::deactivated);
    }
  }

  const sip::Message& request_;
  const transaction::Hop& from_;
  const std::vector<Binding>& current_;
  const Terms& terms_;
  const Settings& settings_;
  Now now_;
  std::uint32_t cseq_ = 0;
  bool outbound_ = false;  ///< Some contact has a reg-id, and RFC 5626 can be used.
  std::string path_;
  Update update_;
  Update::View places_;  ///< The bindings as changed so far; null: ended.
};

template <class Ends>
Update end_where(const std::vector<Binding>& current, BindingEvent event, Ends ends) {
  Update update;
  for (std::size_t place = 0; place < current.size(); ++place)
    if (ends(current[place])) update.changes.push_back({event, current[place], place});
  return update;
}

}  // namespace

Update apply_register(const sip::Message& request, const transaction::Hop& from,
                      const std::vector<Binding>& current, const Terms& terms) {
  return Work(request, from, current, terms).run();
}

Update apply_expiry(const std::vector<Binding>& current, Now now) {
  return end_where(current, BindingEvent::expired,
                   [&](const Binding& binding) { return binding.expires <= now.mono; });
}

Update apply_flow_failed(const std::vector<Binding>& current, const Binding& failed) {
  return end_where(current, BindingEvent::deactivated, [&](const Binding& binding) {
    return binding.contact() == failed.contact() && binding.reg_id == failed.reg_id &&
           binding.instance() == failed.instance() && binding.call_id() == failed.call_id() &&
           binding.cseq == failed.cseq;
  });
}

Update apply_rejection(const std::vector<Binding>& current) {
  return end_where(current, BindingEvent::rejected, [](const Binding&) { return true; });
}

Update apply_flow_closed(const std::vector<Binding>& current, transaction::FlowId flow) {
  return end_where(current, BindingEvent::deactivated,
                   [&](const Binding& binding) { return binding.flow() == flow; });
}

Update apply_grace_end(const std::vector<Binding>& current) {
  return end_where(current, BindingEvent::deactivated,
                   [](const Binding& binding) { return binding.suspended; });
}

}  // namespace beckon::server::registrar
