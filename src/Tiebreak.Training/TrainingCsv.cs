using System.Globalization;
using System.Text;

namespace Tiebreak.Training;

/// <summary>The record as a table: a row a step, a column for each class of several members.</summary>
static class TrainingCsv
{
    public static string Print(TrainingResult result)
    {
        var record = result.Record;
        var text = new StringBuilder("step,loss,spread,stuck,apart");
        foreach (var number in record.Recorded) text.Append(CultureInfo.InvariantCulture, $",\"spread of {record.Name(number)}\"");
        text.Append('\n');
        foreach (var step in record.Steps)
        {
            text.Append(CultureInfo.InvariantCulture, $"{step.Step},{step.Loss:R},{step.Spread:R},{step.Stuck:R},{step.Apart}");
            foreach (var spread in step.Spreads) text.Append(CultureInfo.InvariantCulture, $",{spread:R}");
            text.Append('\n');
        }

        return text.ToString();
    }
}
