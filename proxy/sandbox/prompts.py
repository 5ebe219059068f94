"""What the people of the sample traffic ask: small everyday tasks in many languages. Texts only."""

QUESTIONS = (
    "Rewrite this sentence so that it sounds friendlier: The form is incomplete, send it again.",
    "What is the difference between a left join and an inner join? Two sentences, please.",
    "Schreibe eine kurze Absage für den Termin am Donnerstag und schlage Montag oder Dienstag vor.",
    "Explique en trois phrases pourquoi le ciel est bleu, pour un enfant de huit ans.",
    "¿Cómo convierto 250 gramos de harina en tazas? Dame también el redondeo habitual.",
    "Turn these notes into a list of tasks: call the roofer, two offers, insurance asks for photos by Friday.",
    "Traduci in italiano: The parcel will arrive between ten and noon, please leave your number.",
    "Which of these three subject lines would you open, and why? 1) Update 2) Your invoice 3) Two minutes?",
    "Escreva uma descrição curta para uma mesa de carvalho usada, em bom estado, 140 por 80 centímetros.",
    "この文を丁寧な言い方に直してください:明日の会議は十時からにして。",
    "Napisz regułę cron, która uruchamia zadanie w dni robocze o 6:45.",
    "Why does my sourdough stay flat? It rises well in the bowl and spreads in the oven.",
    "Vat dit samen in één zin: de trein van 8:12 vervalt, de volgende vertrekt om 8:42 van spoor 5.",
    "Give me a regular expression for dates such as 2026-03-05, and one example that must not match.",
    "请用两句话介绍一下绿茶和乌龙茶的区别。",
    "Skriv en kort påminnelse om städdagen på lördag, samling klockan tio vid soprummet.",
    "Plan a rainy Saturday in a small town with two children, without spending more than 30 euros.",
    "Erkläre den Unterschied zwischen netto und brutto an einer Rechnung über 119 Euro.",
    "What should I check before I sign the lease of a ground-floor flat?",
    "Donne-moi un plan en cinq points pour un exposé sur les abeilles.",
    "Make this log line readable for someone in sales: upstream timed out after 30 s, retried 2 of 3.",
    "एक छोटा सा संदेश लिखो कि दुकान सोमवार को बंद रहेगी।",
    "Suggest five names for a reading group that meets in a bakery.",
    "Corrige las faltas: Ayer fuimos ha comprar y no avia pan en ninguna tienda.",
    "How many tiles of 30 by 60 cm do I need for a wall of 2.4 by 3.6 m, with ten percent spare?",
    "Kun je deze e-mail korter maken zonder dat hij onvriendelijk wordt? Het gaat om een te late levering.",
    "اكتب رسالة قصيرة تشكر فيها الجيران على المساعدة في نقل الأثاث.",
    "Write a haiku about a bicycle bell.",
    "Explain what a race condition is with an example from a kitchen.",
    "Was bedeutet in diesem Mietvertrag die Klausel zu den Schönheitsreparaturen, einfach gesagt?",
    "Propose a packing list for four days of hiking in April, huts with bedding.",
    "Is this claim consistent with the table? Sales grew every quarter: 12, 15, 14, 18.",
)

DOCUMENTS = (
    "The workshop starts at nine. Bring gloves and closed shoes; goggles are there. We repair three bicycles in the "
    "morning, learn to true a wheel after lunch and close at four. Whoever wants may bring a bicycle of their own, "
    "as long as it fits through the narrow door. Coffee costs one euro, cake is free on Saturdays. ",
    "Die Anlage meldet seit Dienstag alle zwei Stunden einen Druckabfall von etwa 0,3 bar. Das Ventil an der Nordseite "
    "wurde getauscht, der Filter gereinigt, der Ausgleichsbehälter geprüft. Der Fehler tritt nur auf, wenn mehr als "
    "zwei Pumpen laufen. Nachts bleibt der Druck stabil. Der nächste Wartungstermin ist am 14. des Monats. ",
    "La bibliothèque ouvre le mercredi toute la journée et le samedi matin. Les prêts durent trois semaines, deux "
    "prolongations sont possibles. Les enfants de moins de six ans viennent avec un adulte. La salle du premier étage "
    "accueille un atelier de conversation le dernier mercredi du mois. ",
    "Quarterly notes. Orders rose by eight percent, returns stayed flat. The new box saved four cents per parcel and "
    "broke twice. Support answered in under three hours on every day but one. Open: the contract with the second "
    "carrier, the label printer in hall B, the translation of the help pages into Portuguese. ",
)

SUPPORT_RULES = (
    "You answer customers of a small shop for garden tools. Be brief and kind. Never promise a date of delivery; give "
    "the range the carrier states. A return is free within thirty days. Blades are sharpened once a year at no cost "
    "when the customer sends the receipt. If someone writes in another language, answer in that language. "
)

SUPPORT_QUESTIONS = (
    "My pruning shears arrived without the spring. What now?",
    "Wann kommt meine Bestellung 48113 an? Die Sendungsnummer zeigt seit drei Tagen nichts Neues.",
    "Can I swap the long rake for the short one after the box has been opened?",
    "¿Afilan también tijeras que no compré en su tienda?",
    "Je voudrais annuler la deuxième pelle, mais garder la première.",
    "Does the watering can come in green?",
    "I was charged twice for the same wheelbarrow.",
    "Hoe lang is de garantie op de heggenschaar?",
)

CODE_RULES = (
    "You are a careful programming assistant working in a repository of a calendar application. Read before you "
    "write. Make the smallest change that solves the task, keep the style of the file, and run the tests that cover "
    "it. Explain a decision only where a reader would ask why. Do not touch generated files. The dates are kept in "
    "UTC and shown in the time zone of the reader; a day may have 23 or 25 hours. "
)

CODE_TASKS = (
    "The weekly view drops events that end exactly at midnight. Find out where, and fix it with a test.",
    "Rename the setting first_day to week_starts_on everywhere, and keep reading the old name for one release.",
    "The import of .ics files takes nine seconds for 4,000 events. Where does the time go?",
    "Add a dry run to the command that deletes old calendars.",
)

TOOL_RESULTS = (
    "src/views/week.py:118: if event.end < day_end:\nsrc/views/week.py:121:     visible.append(event)",
    "12 passed, 1 failed: test_event_ending_at_midnight (assert 0 == 1)",
    "def day_end(day: date, zone: ZoneInfo) -> datetime:\n    return datetime.combine(day, time.max, zone)",
    "13 passed in 1.42s",
)

PASSAGES = (
    "How to oil a wooden worktop in three thin coats",
    "Öffnungszeiten der Werkstatt an Feiertagen",
    "Conditions de retour pour les articles soldés",
    "Why a hedge is cut in late winter and again in June",
    "Guía rápida para montar la carretilla sin herramientas",
    "Care of carbon steel blades: dry, oil, store apart",
    "Lista kontrolna przed pierwszym użyciem opryskiwacza",
    "Which gloves fit which size of hand, with a table",
)

PICTURES = (
    "A watercolour of a red watering can on a wooden bench, soft morning light",
    "A simple line icon of a bicycle bell, black on white",
    "An isometric drawing of a tiny bakery with a striped awning",
    "A poster for a neighbourhood swap day, three colours, no text",
)

LINES = (
    "Good morning. The workshop opens at nine; please use the side entrance.",
    "Der nächste Halt ist Marktplatz. Ausstieg in Fahrtrichtung rechts.",
    "Your table is ready. Thank you for waiting.",
    "Merci de votre appel. Un conseiller vous répondra dans quelques minutes.",
)

BEGINNINGS = (
    "Once the last tram had left, the square",
    "def days_between(first: date, last: date) -> int:\n    ",
    "Ingredients for four: 400 g of lentils,",
    "Dear neighbours, on Saturday we",
)

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
