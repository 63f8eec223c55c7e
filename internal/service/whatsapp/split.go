package whatsapp

import "strings"

// maxTextUnits is how long the text of one message may be. Meta documents
// 4,096 characters without saying what a character is; UTF-16 units are the
// strictest reading.
const maxTextUnits = 4096

// split writes text as messages of at most limit UTF-16 units, and cuts it
// where a reader would: between paragraphs, else lines, else sentences, else
// words. It returns at least one message, and none of them is blank unless text
// is.
func split(text []char, limit int) []string {
	text = trim(text)
	var messages []string
	for {
		room := fit(text, limit)
		if room == len(text) {
			return append(messages, write(text))
		}
		cut := boundary(text, room)
		if head := trim(text[:cut]); len(head) > 0 {
			messages = append(messages, write(head))
		}
		text = trim(text[cut:])
	}
}

// fit is how many characters of text, with their marks, fit into limit units.
func fit(text []char, limit int) int {
	var w writer
	room := 0
	for i, c := range text {
		w.add(c)
		if w.units > limit {
			break
		}
		if w.total() <= limit {
			room = i + 1
		}
	}
	return min(max(room, 1), len(text))
}

// boundary is where to cut text so that at most room characters stand before:
// at the last end of a paragraph, line, sentence or word, whichever of these
// first fills at least half of the room.
func boundary(text []char, room int) int {
	for _, ends := range []func(text []char, at int) bool{paragraphEnds, lineEnds, sentenceEnds, wordEnds} {
		for at := room; at >= max(room/2, 1); at-- {
			if ends(text, at) {
				return at
			}
		}
	}
	return room // a single word this long is no word
}

func paragraphEnds(text []char, at int) bool {
	return lineEnds(text, at) && at+1 < len(text) && lineEnds(text, at+1) && text[at].style&block == 0
}

func lineEnds(text []char, at int) bool { return text[at].text == "\n" }

func sentenceEnds(text []char, at int) bool {
	return wordEnds(text, at) && strings.Contains(".?!…", text[at-1].text)
}

func wordEnds(text []char, at int) bool { return text[at].isSpace() }

// trim is text without the white space around it. The indentation of the first
// line of code stays.
func trim(text []char) []char {
	start, end := 0, len(text)
	for end > 0 && text[end-1].isSpace() {
		end--
	}
	for start < end && text[start].isSpace() {
		start++
	}
	for start > 0 && start < end && text[start].style&block != 0 && text[start-1].text != "\n" {
		start--
	}
	return text[start:end]
}
