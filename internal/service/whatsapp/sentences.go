package whatsapp

// Sentences that are sent without the model, in English and Swahili.
const (
	sentenceUnreadable = "I can read text, pictures, voice notes, videos and PDF files. Please send me one of these.\n\n" +
		"Naweza kusoma maandishi, picha, sauti, video na faili za PDF. Tafadhali nitumie mojawapo."
	sentenceFileUnavailable = "I could not open the file that you sent. Please send it again, or write to me what it is about.\n\n" +
		"Sikuweza kufungua faili uliyotuma. Tafadhali itume tena, au niandikie inahusu nini."
	sentenceNotDelivered = "WhatsApp did not deliver the content of your message to me. Please send it again.\n\n" +
		"WhatsApp haikunifikishia ujumbe wako. Tafadhali utume tena."
	sentenceMore = "There is more: write *continue* to read on.\n\n" +
		"Kuna zaidi: andika *endelea* ili kusoma zaidi."
	sentenceLate = "I am sorry, I was away for a while. If your question still matters, please ask me again.\n\n" +
		"Samahani, sikuwepo kwa muda. Kama bado unahitaji jibu, tafadhali niulize tena."
	sentenceOptedOut = "You will get no more messages from me. Write START if you change your mind.\n\n" +
		"Hutapokea ujumbe mwingine kutoka kwangu. Andika ANZA ukibadilisha nia."
	sentenceOptedIn = "Welcome back! How can I help?\n\n" +
		"Karibu tena! Nikusaidie vipi?"
	sentenceJoined = "You are on the waiting list. If you have a question, ask me here at any time.\n\n" +
		"Uko kwenye orodha ya kusubiri. Ukiwa na swali, niulize hapa wakati wowote."
	// sentenceListed asks a person whose number is on the list and not verified.
	sentenceListed = "By the way: this number was put on our waiting list. If you want to be on it, press the button or write JOIN. Otherwise you need not do anything.\n\n" +
		"Pia: nambari hii iliandikishwa kwenye orodha yetu ya kusubiri. Ukitaka kuwa kwenye orodha, bonyeza kitufe au uandike JIUNGE. La sivyo, huhitaji kufanya lolote."
	sentenceNoNumber = "To join the waiting list I need a Kenyan mobile number, and WhatsApp does not show me one of yours. Please sign up on our web page.\n\n" +
		"Ili kujiunga na orodha nahitaji nambari ya simu ya Kenya, na WhatsApp hainionyeshi yako. Tafadhali jiandikishe kwenye tovuti yetu."
)

// Notes before an answer of the model, in English and Swahili.
const (
	noteFileUnopened = "I could not open the file that you sent.\n" +
		"Sikuweza kufungua faili uliyotuma."
	noteQuestionCut = "Your message is very long. I read only its first 32,000 characters.\n" +
		"Ujumbe wako ni mrefu sana. Nimesoma herufi 32,000 za kwanza tu."
)

// DefaultApology is sent where the model refuses a question, gives an empty
// completion, or fails for too long.
const DefaultApology = "I am sorry, I could not find an answer. Please try again later or ask in another way.\n\n" +
	"Samahani, sikuweza kupata jibu. Tafadhali jaribu tena baadaye au uulize kwa njia nyingine."
