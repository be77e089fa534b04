using Tiebreak.Formats;
using Tiebreak.Gradients;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Training;

/// <summary>The program of one step: from parameters and a batch to the batch's loss and its gradient.</summary>
static class GradientProgram
{
    /// <summary>The output that holds the batch's loss.</summary>
    public const string Loss = "loss of the batch";

    /// <summary>The leaf that holds the weight of each run's loss.</summary>
    public const string Weights = "weights of the samples";

    /// <summary>Makes it of a model whose output is the loss of one run.</summary>
    /// <param name="model">The model of one run.</param>
    /// <param name="runs">How many runs make a batch.</param>
    public static TensorProgram Of(Model model, int runs)
    {
        var many = ManySamples.Of(model.Program, runs);
        var builder = new ProgramBuilder(many.Nodes);
        var losses = builder.Reshape(many.Outputs[0].Node, new Shape(runs));
        var weighted = builder.Multiply(losses, builder.Data(Weights, new Shape(runs)));
        var loss = builder.ReduceSum(weighted, 0);
        builder.Output(Loss, loss);
        var names = model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal);
        var gradient = Gradient.Of(builder.Build(), outputIsLoss: true, names);
        var forward = gradient.Nodes[loss.Id];
        return gradient.WithOutputs([(Loss, forward), .. gradient.Outputs]);
    }

    /// <summary>What keeps the model from being trained exactly: the first function that is not rational; null if nothing does.</summary>
    public static string? NotRational(TensorProgram program)
    {
        foreach (var node in program.Nodes)
        {
            if (node.Primitive is Primitive.Apply apply) return Where(apply.Function.Kind == FunctionKind.Step ? "a step (relu, clip or a comparison)" : apply.Function.ToString(), node);
            if (node.Primitive is Primitive.Choose) return Where("a choice of the largest", node);
        }

        return null;

        static string Where(string what, Node node) => node.Origin is not { } origin ? what : origin.StartsWith($"{what} in ", StringComparison.Ordinal) ? origin : $"{what} ({origin})";
    }

    /// <summary>The number of elements in the widest value of one run.</summary>
    public static long Widest(Model model) =>
        model.Program.Nodes.Where(node => node.Primitive is not (Primitive.Parameter or Primitive.Constant)).Select(node => node.Shape.Count).DefaultIfEmpty(1).Max();

    /// <summary>The exact weight of each sample of a batch.</summary>
    public static Rational Weight(int rows) => new(1, Math.Max(1, rows));
}
