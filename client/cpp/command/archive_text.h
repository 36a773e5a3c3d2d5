// How documents and pages are shown: lines for people, JSON, Markdown. Pure.
#pragma once

#include <string>

#include "sluice/v1/library.pb.h"

namespace sluice {

// "manuals/policy.pdf\t193 pages\tPolicy\tCOMPLETE".
std::string DocumentLine(const v1::Document& document);
std::string DocumentJson(const v1::Document& document);
// Several lines: what it is, what its pages lack, its failed pages, its headings.
std::string DocumentText(const v1::Document& document);

// What people read of a page; with `boxes` a line for each block's kind and place.
std::string PageForPeople(const v1::DocumentPage& page, bool boxes);
std::string PageJson(const v1::Document& document, const v1::DocumentPage& page);
// Headings by level, lists, code in fences; a comment says where the page begins.
std::string PageMarkdown(const v1::DocumentPage& page);

// Lines joined: a word that a line's end divides is one word.
std::string BlockText(const v1::PageBlock& block);

}  // namespace sluice
