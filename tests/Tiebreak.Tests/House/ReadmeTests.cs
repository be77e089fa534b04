using System.Text;
using Tiebreak.Cli;
using Xunit;

namespace Tiebreak.Tests.House;

/// <summary>Every transcript of the README is what the tool prints. TIEBREAK_ACCEPT=1 writes them anew.</summary>
public sealed class ReadmeTests
{
    const string Open = "```console\n$ tiebreak ";

    [Fact]
    public void Every_transcript_is_what_the_tool_prints()
    {
        var path = Repository.File("README.md");
        var text = File.ReadAllText(path);
        var actual = new StringBuilder();
        var position = 0;
        var transcripts = 0;
        for (int start; (start = text.IndexOf(Open, position, StringComparison.Ordinal)) >= 0; transcripts++)
        {
            var command = text[(start + Open.Length)..text.IndexOf('\n', start + Open.Length)];
            var end = text.IndexOf("```", start + Open.Length, StringComparison.Ordinal);
            actual.Append(text, position, start - position).Append(Open).Append(command).Append('\n').Append(Transcript(command));
            position = end;
        }

        actual.Append(text, position, text.Length - position);
        Assert.True(transcripts >= 3);
        if (Environment.GetEnvironmentVariable("TIEBREAK_ACCEPT") == "1") File.WriteAllText(path, actual.ToString());
        else Assert.Equal(text, actual.ToString());
    }

    // Samples are named from the repository's root; the tool is given the real path and prints it, so it is shortened again.
    static string Transcript(string command)
    {
        using StringWriter output = new(), error = new();
        CommandLine.Run([.. command.Split(' ').Select(word => word.StartsWith("samples/", StringComparison.Ordinal) ? Repository.File(word.Split('/')) : word)], output, error);
        Assert.Empty(error.ToString());
        return output.ToString().Replace("\r\n", "\n", StringComparison.Ordinal).Replace(Repository.Root + Path.DirectorySeparatorChar, "", StringComparison.Ordinal);
    }
}
