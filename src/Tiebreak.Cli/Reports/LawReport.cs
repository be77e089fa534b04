using System.Text.Json;
using Tiebreak.Proofs;

namespace Tiebreak.Cli.Reports;

/// <summary>Linear conservation laws in both reports.</summary>
static class LawReport
{
    /// <summary>Which optimisers keep them.</summary>
    const string Keepers = "kept by gradient descent, momentum and nesterov at any learning rates, not by adam and others that scale each parameter's step by itself, nor under weight decay";

    const int MostSentences = 12;

    /// <summary>The sentences of a text report: heads and texts.</summary>
    public static IEnumerable<(string Head, string Text)> Lines(CheckResult result, bool isVerbose)
    {
        if (result.Laws is not { } laws) yield break;
        var sentences = LawSentences.Of(laws.Laws, result.Analysis.Model);
        var beyond = laws.Laws.Count + laws.Unreadable;
        yield return ("laws:    ", beyond == 0 ? $"none beyond ties and stuck parameters ({laws.Ties:N0} and {laws.Stuck:N0})"
            : $"{beyond:N0} beyond ties and stuck parameters ({laws.Ties:N0} and {laws.Stuck:N0}), which leave {laws.Dimension:N0} {(laws.Dimension == 1 ? "dimension" : "dimensions")} to gradient descent");
        foreach (var (sentence, _) in isVerbose ? sentences : sentences.Take(MostSentences)) yield return ("         ", sentence);
        if (!isVerbose && sentences.Count > MostSentences) yield return ("         ", $"and {sentences.Count - MostSentences:N0} more; all with --verbose");
        if (laws.Unreadable > 0) yield return ("         ", $"{laws.Unreadable:N0} of them {(laws.Unreadable == 1 ? "has" : "have")} no small whole factors");
        if (beyond > 0) yield return ("         ", Keepers);
    }

    /// <summary>Writes them, if they were asked for.</summary>
    public static void Write(Utf8JsonWriter json, CheckResult result)
    {
        if (result.Laws is not { } laws) return;
        var parameters = result.Analysis.Model.Parameters;
        json.WriteStartObject("laws");
        json.WriteNumber("ties", laws.Ties);
        json.WriteNumber("stuck", laws.Stuck);
        json.WriteNumber("dimension", laws.Dimension);
        json.WriteNumber("unreadable", laws.Unreadable);
        json.WriteString("keptBy", Keepers);
        json.WriteStartArray("laws");
        foreach (var (sentence, family) in LawSentences.Of(laws.Laws, result.Analysis.Model))
        {
            foreach (var law in family)
            {
                json.WriteStartObject();
                json.WriteString("sentence", sentence);
                json.WriteStartArray("terms");
                foreach (var (tensor, place, factor) in law.Terms)
                {
                    json.WriteStartObject();
                    json.WriteString("tensor", parameters[tensor].Name);
                    var strides = parameters[tensor].Shape.Strides();
                    JsonReport.WriteNumbers(json, "index", strides.Select((stride, axis) => place / stride % parameters[tensor].Shape[axis]));
                    json.WriteNumber("factor", factor);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
