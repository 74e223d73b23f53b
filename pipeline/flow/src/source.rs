//! Where things stand in a file: spans of bytes, and the line and column that people count.
//!
//! The tree keeps byte offsets only, for most places are never printed; lines are looked up when a mistake is.

/// Largest file that is read, in bytes: 100,000 tasks with 1,000,000 dependencies take some 20 MiB.
pub const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;

/// Most characters of a place that are counted.
const MAX_WIDTH: usize = 1_000;

/// A piece of the file, in bytes. The end is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// The span of two offsets; the bound of a file keeps both within 32 bits.
    pub fn new(start: usize, end: usize) -> Self {
        let fit = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { start: fit(start), end: fit(end.max(start)) }
    }
}

/// A place as people count it: both from 1, columns in characters. The width is that of the first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub line: u32,
    pub column: u32,
    pub width: u32,
}

/// A text with its lines.
pub(crate) struct Source<'a> {
    pub text: &'a str,
    starts: Vec<u32>,
}

impl<'a> Source<'a> {
    /// Finds the lines of a text.
    pub fn new(text: &'a str) -> Self {
        let after = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| Span::new(at + 1, 0).start);
        Self { text, starts: std::iter::once(0).chain(after).collect() }
    }

    /// The line of an offset, from 1.
    pub fn line(&self, offset: u32) -> u32 {
        self.starts.partition_point(|start| *start <= offset).max(1) as u32
    }

    /// Where a line begins.
    pub fn start(&self, line: u32) -> usize {
        self.starts.get(line.saturating_sub(1) as usize).map_or(self.text.len(), |start| *start as usize)
    }

    /// A line's text without its end; empty past the last.
    pub fn line_text(&self, line: u32) -> &'a str {
        let at = line.saturating_sub(1) as usize;
        let Some(start) = self.starts.get(at) else { return "" };
        let end = self.starts.get(at + 1).map_or(self.text.len(), |next| *next as usize);
        self.text.get(*start as usize..end).unwrap_or("").trim_end_matches(['\n', '\r'])
    }

    /// Where a span begins, and how many characters of it stand in that line (1 to 1,000). A whole file may be one line:
    /// whoever asks for many places does so in their order, and hands in the one before.
    pub fn place(&self, span: Span, before: Option<(Span, Place)>) -> Place {
        let line = self.line(span.start);
        let text = self.line_text(line);
        let start = self.start(line);
        let piece = |from: u32, to: u32| {
            let end = (to as usize).saturating_sub(start).min(text.len());
            let begin = (from as usize).saturating_sub(start).min(end);
            text.get(begin..end).unwrap_or("").chars()
        };
        let (from, column) = match before {
            Some((known, place)) if place.line == line && known.start <= span.start => (known.start, place.column),
            Some(_) | None => (start as u32, 1),
        };
        let column = column + piece(from, span.start).count() as u32;
        Place { line, column, width: piece(span.start, span.end).take(MAX_WIDTH).count().max(1) as u32 }
    }

    /// The text of a span, if it is short enough to be repeated in a hint.
    pub fn quote(&self, span: Span) -> Option<&'a str> {
        let text = self.text.get(span.start as usize..span.end as usize)?;
        (text.len() <= 80 && !text.contains('\n')).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters_from_one() {
        let source = Source::new("ab\r\nüü: x\n\nend");
        let place = |start, end| {
            let place = source.place(Span::new(start, end), None);
            (place.line, place.column, place.width)
        };
        assert_eq!(place(0, 2), (1, 1, 2));
        assert_eq!(place(4, 8), (2, 1, 2), "two characters of two bytes");
        assert_eq!(place(10, 11), (2, 5, 1));
        assert_eq!(place(10, 16), (2, 5, 1), "no further than its line");
        assert_eq!(place(16, 16), (4, 4, 1), "at the end of the file");
        assert_eq!(place(99, 99), (4, 4, 1), "past the end of the file");
        let (first, second) = (Span::new(4, 6), Span::new(10, 11));
        let before = Some((first, source.place(first, None)));
        assert_eq!(source.place(second, before), source.place(second, None), "counted on from the place before");
        assert_eq!(source.line_text(1), "ab");
        assert_eq!(source.line_text(3), "");
        assert_eq!(source.line_text(9), "");
    }
}
